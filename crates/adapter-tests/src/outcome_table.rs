//! Every outcome that there is, each reached through both adapters. `oauth-core` has a test that does not
//! compile when one more joins them: then it belongs here, too.

pub const OUTCOMES: [&str; 11] = [
    "Attached",
    "Replayed",
    "NotReplayed(Off)",
    "NotReplayed(BodyTooLarge)",
    "NotReplayed(BodyUnavailable)",
    "NotReplayed(Redirected)",
    "RefreshFailed",
    "NotAttached(ForeignOrigin)",
    "NotAttached(OwnAuthorization)",
    "NotAttached(OptedOut)",
    "RedirectedAway",
];
