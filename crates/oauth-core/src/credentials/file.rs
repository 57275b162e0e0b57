//! A client's secret in a file, as orchestrators mount it.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::blanks;
use super::client_auth::ClientAuth;
use super::provider::SecretProvider;
use crate::error::{Details, Error, Kind};

/// No client secret is longer: it would be the wrong file.
const SIZE_CAP: usize = 64 * 1024;

/// A [`SecretProvider`] whose secret is the content of a file, without the line ends at its end and
/// the byte order mark at its beginning.
///
/// The file is read with the first token request, off the executor, and kept in memory that is wiped after
/// use. It is read again when the token endpoint rejects the secret, so a file that was replaced meanwhile
/// costs one rejected request and no failed fetch. It is not watched.
///
/// ```
/// use oauth_core::{ClientCredentials, FileSecret, RotatingClient};
///
/// let secret = FileSecret::new("billing", "/run/secrets/billing").basic();
/// let grant = ClientCredentials::builder(RotatingClient::provided(secret))
///     .token_url("https://auth.example.com/oauth2/token")
///     .build()?;
/// # drop(grant);
/// # Ok::<(), oauth_core::Error>(())
/// ```
///
/// # Errors
/// They name the path and never show the content. A file that is missing, empty, larger than
/// 64 KiB, no UTF-8 text of one line or not a regular file is a wrong setting, and permanent; so is
/// one whose secret begins or ends with a blank that no one sees: white space of any kind, a mark
/// without width. The error names the blank. Every other failure to read it is transient.
///
/// # Cancel safety
/// A read whose caller is gone finishes in the background, and its content is wiped.
pub struct FileSecret {
    /// The id and the method; its secret is empty.
    client: ClientAuth,
    path: PathBuf,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    /// Number of rejections so far.
    rejections: u64,
    auth: Option<ClientAuth>,
}

impl FileSecret {
    /// Creates a provider of this client id, with its secret in this file. Does not read it yet.
    pub fn new(id: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        let client = ClientAuth::secret(id, "");
        Self { client, path: path.into(), cache: Mutex::default() }
    }

    /// As [`ClientAuth::basic`].
    #[must_use]
    pub fn basic(self) -> Self {
        Self { client: self.client.basic(), ..self }
    }

    /// As [`ClientAuth::raw_basic`].
    #[must_use]
    pub fn raw_basic(self) -> Self {
        Self { client: self.client.raw_basic(), ..self }
    }

    /// As [`ClientAuth::post`].
    #[must_use]
    pub fn post(self) -> Self {
        Self { client: self.client.post(), ..self }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Consistent at every step, so a poisoned lock can be used.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SecretProvider for FileSecret {
    async fn credentials(&self) -> Result<ClientAuth, Error> {
        let rejections = {
            let cache = self.cache();
            if let Some(auth) = &cache.auth {
                return Ok(auth.clone());
            }
            cache.rejections
        };
        // `spawn_blocking` panics without one.
        let Ok(runtime) = Handle::try_current() else {
            return Err(Error::new(Kind::Runtime, "there is no Tokio runtime here"));
        };
        let path = self.path.clone();
        let read = runtime.spawn_blocking(move || read(&path)).await;
        let secret =
            read.map_err(|_| Error::new(Kind::Runtime, "the Tokio runtime has ended"))??;
        let auth = self.client.with_secret(secret);
        let mut cache = self.cache();
        // Otherwise it may be the one that was rejected during the read: used once, not cached.
        if cache.rejections == rejections {
            cache.auth = Some(auth.clone());
        }
        Ok(auth)
    }

    fn rejected(&self) {
        let mut cache = self.cache();
        cache.rejections = cache.rejections.wrapping_add(1);
        cache.auth = None;
    }
}

impl fmt::Debug for FileSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSecret")
            .field("client", &self.client)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

fn read(path: &Path) -> Result<SecretString, Error> {
    let wrong = |problem: &str| {
        Error::setting("client_secret", format_args!("{problem}: {}", path.display()))
    };
    // One byte more than the cap, and never grown: growing would leave a copy behind in freed memory.
    let mut buffer = Zeroizing::new(vec![0; SIZE_CAP + 1]);
    let length = match fill(path, &mut buffer) {
        Ok(Some(length)) => length,
        Ok(None) => return Err(wrong("is not in a regular file")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(wrong("has no file (entity not found)"));
        }
        Err(error) => return Err(unreadable(path, error.kind())),
    };
    if length > SIZE_CAP {
        return Err(wrong("has a file larger than 64 KiB"));
    }
    let text = buffer.get(..length).unwrap_or_default();
    // By its byte order mark, or because every second byte is zero.
    if text.starts_with(b"\xFF\xFE") || text.starts_with(b"\xFE\xFF") || text.contains(&0) {
        return Err(wrong("has a file in UTF-16 or UTF-32, or no text: save it as UTF-8"));
    }
    let text = std::str::from_utf8(text).map_err(|_| wrong("has a file that is not UTF-8"))?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text).trim_end_matches(['\r', '\n']);
    if let Some(blank) = blanks::at_an_end(text) {
        let problem = format!("has a file that {blank}: take it out, only line ends are dropped");
        return Err(wrong(&problem));
    }
    match text {
        "" => Err(wrong("has an empty file")),
        // The check of all credentials, but with the path in the error.
        secret if secret.chars().any(char::is_control) => {
            Err(wrong("has a file with a control character, a second line perhaps"))
        }
        secret => Ok(secret.to_owned().into()),
    }
}

/// How many bytes the file has, up to the buffer's size; `None` if it is not a regular file, of which a
/// pipe would hold the thread until someone writes to it.
fn fill(path: &Path, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    if !fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    read_into(File::open(path)?, buffer).map(Some)
}

/// Reads to the end, or until the buffer is full. Returns the number of bytes.
fn read_into(mut from: impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn unreadable(path: &Path, kind: ErrorKind) -> Error {
    let message = format!("the client secret's file {} cannot be read: {kind}", path.display());
    Details { transient: true, ..Details::new(Kind::Source, message) }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each read yields the next of these, then the end.
    struct Reads<'a>(std::slice::Iter<'a, Result<&'static [u8], ErrorKind>>);

    impl Read for Reads<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.next().copied() {
                Some(Ok(mut bytes)) => bytes.read(buffer),
                Some(Err(kind)) => Err(kind.into()),
                None => Ok(0),
            }
        }
    }

    fn read_of(reads: &[Result<&'static [u8], ErrorKind>]) -> Result<Vec<u8>, ErrorKind> {
        let mut buffer = vec![0; 8];
        let length = read_into(Reads(reads.iter()), &mut buffer).map_err(|error| error.kind())?;
        buffer.truncate(length);
        Ok(buffer)
    }

    #[test]
    fn an_interrupted_read_goes_on() {
        let reads = [Err(ErrorKind::Interrupted), Ok(&b"ab"[..]), Err(ErrorKind::Interrupted)];
        assert_eq!(read_of(&reads).unwrap(), b"ab");
        assert_eq!(read_of(&[&reads[..], &[Ok(&b"c"[..])]].concat()).unwrap(), b"abc");
    }

    #[test]
    fn a_read_that_fails_in_the_middle_yields_no_half_of_a_secret() {
        for kind in [ErrorKind::Other, ErrorKind::WouldBlock, ErrorKind::UnexpectedEof] {
            assert_eq!(read_of(&[Ok(&b"ab"[..]), Err(kind), Ok(&b"c"[..])]), Err(kind));
        }
    }
}
