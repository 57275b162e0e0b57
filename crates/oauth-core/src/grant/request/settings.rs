//! Settings of grants, checked before anything is sent. Errors name the setting, never its value.

use http::Uri;

use crate::credentials::ClientAuth;
use crate::error::Error;
use crate::origin::{Origin, Origins};

/// The setting's value, or an error that says how to set it.
pub(in crate::grant) fn required<T>(name: &str, value: Option<T>) -> Result<T, Error> {
    value.ok_or_else(|| Error::setting(name, format_args!("is missing: call `.{name}(..)`")))
}

/// An absolute URL to send credentials to: https, or http to loopback, or any http if `plain_http` is set.
/// The query is kept.
pub(in crate::grant) fn url(name: &str, text: &str, plain_http: bool) -> Result<Uri, Error> {
    let refuse = |problem: &str| Err(Error::setting(name, problem));
    if text.is_empty() {
        return refuse("is empty");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return refuse("has white space or a control character: trim it");
    }
    // RFC 6749 §3.2. `http::Uri` would drop it silently.
    if text.contains('#') {
        return refuse("must not have a fragment (the part from `#` on)");
    }
    // Checked before the rules for wildcards in origins, for a clearer error.
    let authority = text.split(['/', '?']).nth(2).unwrap_or_default();
    if authority.contains('*') {
        return refuse("must name one host, without `*`");
    }
    match text.split_once("://") {
        Some((scheme, rest)) if plain_http && scheme.eq_ignore_ascii_case("http") => {
            Origin::named(name, &format!("https://{rest}"))
        }
        _ => Origin::named(name, text),
    }?;
    text.parse().or_else(|_| refuse("is not a URL"))
}

/// The same for the start of a URL, without its trailing slashes: no query either.
pub(in crate::grant) fn base_url(name: &str, text: &str) -> Result<String, Error> {
    url(name, text, false)?;
    if text.contains('?') {
        return Err(Error::setting(name, "must not have a query (the part from `?` on)"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The origins of the API's URLs; undeclared if there are none.
pub(in crate::grant) fn origins(name: &str, urls: &[String]) -> Result<Origins, Error> {
    let origins: Vec<_> = urls.iter().map(|u| Origin::named(name, u)).collect::<Result<_, _>>()?;
    Ok(Origins::these(origins))
}

/// Environment variables, or a stand-in for tests.
pub(in crate::grant) struct Vars<F>(pub(in crate::grant) F);

impl<F: Fn(&str) -> Option<String>> Vars<F> {
    /// A variable without the line end that files and shells leave behind; none if it is empty.
    pub(in crate::grant) fn optional(&self, name: &str) -> Option<String> {
        let mut value = (self.0)(name)?;
        value.truncate(value.trim_end_matches(['\r', '\n']).len());
        Some(value).filter(|value| !value.is_empty())
    }

    pub(in crate::grant) fn required(&self, name: &str) -> Result<String, Error> {
        self.optional(name).ok_or_else(|| {
            Error::setting(name, "is not set in the environment, or empty, or not Unicode")
        })
    }

    /// `{prefix}_CLIENT_ID` and `{prefix}_CLIENT_SECRET`.
    pub(in crate::grant) fn client(&self, prefix: &str) -> Result<ClientAuth, Error> {
        let id = self.required(&format!("{prefix}_CLIENT_ID"))?;
        let secret = self.required(&format!("{prefix}_CLIENT_SECRET"))?;
        Ok(ClientAuth::secret(id, secret))
    }
}

/// The process's environment.
pub(in crate::grant) fn environment() -> Vars<impl Fn(&str) -> Option<String>> {
    Vars(|name: &str| std::env::var(name).ok())
}

#[cfg(test)]
pub(in crate::grant) fn fixed<'a>(
    pairs: &'a [(&'a str, &'a str)],
) -> Vars<impl Fn(&str) -> Option<String> + 'a> {
    Vars(move |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_of_a_url_is_kept_and_a_fragment_refused() {
        // RFC 6749 §3.2.
        let uri = url("token_url", "https://auth.example/t?tenant=a%20b", false).unwrap();
        assert_eq!(uri.to_string(), "https://auth.example/t?tenant=a%20b");
        url("token_url", "HTTPS://auth.example/t", false).unwrap();
        let error = url("token_url", "https://auth.example/t#x", false).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`token_url` must not have a fragment (the part from `#` on)"
        );
    }

    #[test]
    fn plain_http_is_for_loopback_unless_it_is_switched_on() {
        // RFC 6749 §1.6.
        url("token_url", "http://127.0.0.1:8080/t", false).unwrap();
        url("token_url", "http://auth.example/t", false).unwrap_err();
        url("token_url", "http://auth.example/t", true).unwrap();
        url("token_url", "http://u:p@auth.example/t", true).unwrap_err();
        url("token_url", "ftp://auth.example/t", true).unwrap_err();
    }

    #[test]
    fn variables_lose_their_line_end_and_empty_ones_count_as_missing() {
        let vars = fixed(&[("X_CLIENT_ID", "id\r\n"), ("X_CLIENT_SECRET", "\n"), ("A", " a \n")]);
        assert_eq!(vars.required("X_CLIENT_ID").unwrap(), "id");
        assert_eq!(vars.optional("A").as_deref(), Some(" a "));
        let error = vars.client("X").unwrap_err().to_string();
        assert!(error.starts_with("`X_CLIENT_SECRET` is not set"), "{error}");
    }
}
