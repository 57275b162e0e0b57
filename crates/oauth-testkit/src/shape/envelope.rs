//! The envelopes of Fuuffy's responses, where its documentation and its examples differ.

/// What Fuuffy's `data` member holds: documented as a "json-string", shown as an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataEnvelope {
    /// `{"data":{…}}`
    #[default]
    Object,
    /// `{"data":"{…}"}`
    JsonString,
    /// The members at the top level, without `data`.
    None,
}

/// Whether Fuuffy's errors stand in an `error` member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorEnvelope {
    /// A 400 wrapped, everything else at the top level.
    #[default]
    AsDocumented,
    /// `{"error":{…}}`
    Wrapped,
    /// `{…}`
    TopLevel,
}

/// The envelopes that Fuuffy's responses come in.
#[derive(Clone, Copy, Default)]
pub(crate) struct Envelopes {
    pub(crate) data: DataEnvelope,
    pub(crate) error: ErrorEnvelope,
}
