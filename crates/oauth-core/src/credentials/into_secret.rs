//! What a secret is made of.

use secrecy::SecretString;

/// What [`ClientAuth::secret`](crate::ClientAuth::secret) takes as the secret: `&str`, `&String`, `String`,
/// `Box<str>`, or a `SecretString` of the crate `secrecy` 0.10.
///
/// Sealed, so that the type in which secrets are kept is no part of the public API. What is passed by value
/// becomes the kept secret, which is wiped when it is dropped; of what is borrowed a copy is kept, and
/// wiping the original is the caller's business.
#[expect(private_bounds, reason = "sealed")]
pub trait IntoSecret: Sealed {}

impl<T: Sealed> IntoSecret for T {}

pub(super) trait Sealed {
    fn into_secret(self) -> SecretString;
}

impl Sealed for &str {
    fn into_secret(self) -> SecretString {
        self.into()
    }
}

impl Sealed for &String {
    fn into_secret(self) -> SecretString {
        self.as_str().into()
    }
}

impl Sealed for String {
    fn into_secret(self) -> SecretString {
        self.into()
    }
}

impl Sealed for Box<str> {
    fn into_secret(self) -> SecretString {
        self.into()
    }
}

impl Sealed for SecretString {
    fn into_secret(self) -> SecretString {
        self
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn kept(secret: impl IntoSecret) -> String {
        secret.into_secret().expose_secret().to_owned()
    }

    #[test]
    fn a_secret_is_kept_as_it_is_whatever_it_is_made_of() {
        let secret = String::from(" a secret ");
        assert_eq!(kept(&secret), secret);
        assert_eq!(kept(secret.as_str()), secret);
        assert_eq!(kept(secret.clone()), secret);
        assert_eq!(kept(secret.clone().into_boxed_str()), secret);
        assert_eq!(kept(SecretString::from(secret.clone())), secret);
    }
}
