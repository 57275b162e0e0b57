//! What each response to a request with our token leads to: the same table for both adapters.

/// A response: its status, its `WWW-Authenticate` lines, and whether the request is sent again.
pub struct Row {
    pub status: u16,
    pub challenges: &'static [&'static str],
    pub replayed: bool,
}

const fn row(status: u16, challenges: &'static [&'static str], replayed: bool) -> Row {
    Row { status, challenges, replayed }
}

pub const TABLE: &[Row] = &[
    // About the token, or silent about the reason.
    row(401, &[], true),
    row(401, &["Bearer"], true),
    row(401, &["Bearer realm=\"x\""], true),
    row(401, &["Bearer error=\"invalid_token\""], true),
    row(401, &["bEaReR ERROR=\"INVALID_TOKEN\", error_description=\"a, b\""], true),
    row(401, &["Bearer error=\"token_expired\""], true),
    row(401, &["Basic realm=\"x\"", "Bearer error=\"invalid_token\""], true),
    row(401, &["Negotiate, Bearer error=\"invalid_token\""], true),
    row(401, &["DPoP algs=\"ES256\",Bearer"], true),
    row(401, &["", "\"\"=,,"], true),
    // Another kind of credential is wanted.
    row(401, &["Basic realm=\"x\""], false),
    row(401, &["Negotiate"], false),
    row(401, &["Negotiate YII=", "Basic realm=\"Bearer error\""], false),
    // Another token would not help.
    row(401, &["Bearer error=\"insufficient_scope\", scope=\"a\""], false),
    row(401, &["Bearer error=\"invalid_request\""], false),
    row(400, &["Bearer error=\"invalid_request\""], false),
    row(403, &["Bearer error=\"insufficient_scope\""], false),
    row(403, &["Bearer error=\"invalid_token\""], false),
    row(403, &[], false),
    // Not about us.
    row(200, &["Bearer error=\"invalid_token\""], false),
    row(404, &[], false),
    row(407, &["Bearer error=\"invalid_token\""], false),
    row(429, &[], false),
    row(500, &[], false),
    row(502, &["Bearer error=\"invalid_token\""], false),
    row(503, &[], false),
];
