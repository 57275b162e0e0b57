//! Trailers, kept as a copy of their text.

use http::{HeaderMap, HeaderName, HeaderValue};

/// What a trailer field counts besides its name and value, as in RFC 9113 §6.5.2; the map counts as one
/// more.
const FIELD_OVERHEAD: usize = 32;

/// Fields in the order of their map.
///
/// A clone of the map would take the capacity that the map has reserved, and keep alive what its values are
/// slices of. This takes less than [`weight`] says.
pub(super) struct Trailers {
    /// Names and values in turn.
    text: Box<[u8]>,
    fields: Box<[Field]>,
}

struct Field {
    name: usize,
    value: usize,
    is_sensitive: bool,
}

// Of each field and of the whole no more than is counted for it.
const _: () = assert!(size_of::<Field>() <= FIELD_OVERHEAD);
const _: () = assert!(size_of::<Trailers>() <= FIELD_OVERHEAD);

/// What trailers count towards the cap: something, even without a field, for they take their place.
pub(super) fn weight(trailers: &HeaderMap) -> usize {
    trailers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD)
        .fold(FIELD_OVERHEAD, usize::saturating_add)
}

impl Trailers {
    pub(super) fn copy(trailers: &HeaderMap) -> Self {
        let length = trailers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let mut text = Vec::with_capacity(length);
        let mut fields = Vec::with_capacity(trailers.len());
        for (name, value) in trailers {
            text.extend_from_slice(name.as_str().as_bytes());
            text.extend_from_slice(value.as_bytes());
            fields.push(Field {
                name: name.as_str().len(),
                value: value.len(),
                is_sensitive: value.is_sensitive(),
            });
        }
        Self { text: text.into(), fields: fields.into() }
    }

    pub(super) fn to_map(&self) -> HeaderMap {
        let room = HeaderMap::try_with_capacity(self.fields.len());
        let mut map = room.unwrap_or_default();
        let mut rest = &self.text[..];
        for field in &self.fields {
            let (name, after) = rest.split_at(field.name);
            let (value, after) = after.split_at(field.value);
            rest = after;
            // They were in a map before: all of them are fields, and fit into one.
            let read = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value));
            if let (Ok(name), Ok(mut value)) = read {
                value.set_sensitive(field.is_sensitive);
                let appended = map.try_append(name, value);
                debug_assert!(appended.is_ok());
            }
        }
        map
    }
}
