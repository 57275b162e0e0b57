//! Credentials that someone else holds: when they are asked for, and what wrong credentials cost.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::fs;
use std::future::{Future, pending};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use oauth_core::grant::{Grant, TokenRequest};
use oauth_core::{
    ClientAuth, ClientCredentials, Error, FetchContext, FileSecret, GrantSource, RotatingClient,
    SecretProvider, TokenSlot, TokenSource,
};
use tower_service::Service;

/// A token endpoint that takes these secrets; and those that it saw.
struct Endpoint {
    takes: Mutex<Vec<&'static str>>,
    seen: Mutex<Vec<String>>,
    /// Runs as the request arrives.
    on_request: Mutex<Box<dyn FnMut() + Send>>,
}

impl Endpoint {
    fn new(takes: &[&'static str]) -> Arc<Self> {
        Arc::new(Self {
            takes: Mutex::new(takes.to_vec()),
            seen: Mutex::default(),
            on_request: Mutex::new(Box::new(|| {})),
        })
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Response<Full<Bytes>> {
        (self.on_request.lock().unwrap())();
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let in_body = text.split('&').find_map(|pair| pair.strip_prefix("client_secret="));
        let in_header = head.headers.get("authorization").map(|basic| basic.to_str().unwrap());
        let secret = in_body.or(in_header).unwrap();
        self.seen.lock().unwrap().push(secret.to_owned());
        let (status, body) = if self.takes.lock().unwrap().contains(&secret) {
            (200, r#"{"access_token":"abc","token_type":"Bearer","expires_in":100}"#.to_owned())
        } else {
            let told = format!("not the secret: {secret}");
            (401, format!(r#"{{"error":"invalid_client","error_description":"{told}"}}"#))
        };
        let response =
            Response::builder().status(status).header("content-type", "application/json");
        response.body(Full::from(body)).unwrap()
    }
}

fn grant_of(client: RotatingClient) -> ClientCredentials {
    ClientCredentials::builder(client)
        .token_url("https://auth.example.com/token")
        .api_url("https://api.example.com")
        .build()
        .unwrap()
}

fn source_of(client: &RotatingClient, endpoint: &Arc<Endpoint>) -> impl TokenSource + use<> {
    GrantSource::new(grant_of(client.clone()), transport_to(endpoint))
}

fn transport_to(
    endpoint: &Arc<Endpoint>,
) -> impl Service<
    Request<Full<Bytes>>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send
+ Sync
+ use<> {
    let endpoint = endpoint.clone();
    tower::service_fn(move |request| {
        let endpoint = endpoint.clone();
        async move { Ok(endpoint.answer(request).await) }
    })
}

/// The responses in order, then the last one forever; and how often it was asked and rejected.
struct Vault {
    answers: Mutex<VecDeque<Result<ClientAuth, Error>>>,
    asked: AtomicUsize,
    rejections: AtomicUsize,
}

impl Vault {
    fn of(answers: impl IntoIterator<Item = Result<ClientAuth, Error>>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self { answers, asked: AtomicUsize::new(0), rejections: AtomicUsize::new(0) })
    }

    fn secrets<const N: usize>(secrets: [&str; N]) -> Arc<Self> {
        Self::of(secrets.map(|secret| Ok(ClientAuth::secret("id", secret))))
    }

    /// How often it was asked, and how often rejected, since the last call.
    fn counts(&self) -> (usize, usize) {
        (self.asked.swap(0, SeqCst), self.rejections.swap(0, SeqCst))
    }
}

impl SecretProvider for Vault {
    async fn credentials(&self) -> Result<ClientAuth, Error> {
        tokio::task::yield_now().await;
        self.asked.fetch_add(1, SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let last = answers.len() == 1;
        if last { answers.front().cloned() } else { answers.pop_front() }.unwrap()
    }

    fn rejected(&self) {
        self.rejections.fetch_add(1, SeqCst);
    }
}

struct Hanging;

impl SecretProvider for Hanging {
    fn credentials(&self) -> impl Future<Output = Result<ClientAuth, Error>> + Send {
        pending()
    }
}

/// A file of this test alone, removed with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let (process, number) = (std::process::id(), NUMBER.fetch_add(1, SeqCst));
        Self(std::env::temp_dir().join(format!("oauth-core-secret-{process}-{number}")))
    }

    fn holding(content: impl AsRef<[u8]>) -> Self {
        let scratch = Self::new();
        fs::write(&scratch.0, content).unwrap();
        scratch
    }

    fn client(&self) -> RotatingClient {
        RotatingClient::provided(FileSecret::new("billing", &self.0))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// What the error of one fetch says; nothing was sent for it.
async fn refused_unsent(client: &RotatingClient) -> Error {
    let endpoint = Endpoint::new(&[]);
    let error = source_of(client, &endpoint).fetch(FetchContext::default()).await.unwrap_err();
    assert_eq!(endpoint.seen(), [""; 0]);
    error
}

/// Every text of the error and its sources.
fn texts(error: &Error) -> String {
    let mut all = String::new();
    let mut next: Option<&dyn StdError> = Some(error);
    while let Some(link) = next {
        all += &format!("{link} {link:#} {link:?} {link:#?}\n");
        next = link.source();
    }
    all
}

#[tokio::test]
async fn the_provider_is_asked_once_before_each_token_request() {
    let vault = Vault::secrets(["one", "two", "three"]);
    let endpoint = Endpoint::new(&["one", "two", "three"]);
    let client = RotatingClient::provided(vault.clone());
    let source = source_of(&client, &endpoint);
    assert_eq!(vault.counts(), (0, 0), "not by building the grant");
    for _ in 0..3 {
        source.fetch(FetchContext::default()).await.unwrap();
    }
    assert_eq!(endpoint.seen(), ["one", "two", "three"]);
    assert_eq!(vault.counts(), (3, 0));
    assert_eq!(client.epoch(), 0);
}

#[tokio::test]
async fn newer_credentials_are_tried_once_in_the_same_fetch() {
    let vault = Vault::secrets(["stale", "new"]);
    let endpoint = Endpoint::new(&["new"]);
    let client = RotatingClient::provided(vault.clone());
    source_of(&client, &endpoint).fetch(FetchContext::default()).await.unwrap();
    assert_eq!(endpoint.seen(), ["stale", "new"]);
    assert_eq!(vault.counts(), (2, 1));
}

#[tokio::test]
async fn two_wrong_credentials_cost_two_requests_and_the_provider_learns_of_both() {
    let vault = Vault::secrets(["stale", "wrong", "third"]);
    let endpoint = Endpoint::new(&["third"]);
    let source = source_of(&RotatingClient::provided(vault.clone()), &endpoint);
    let error = source.fetch(FetchContext::default()).await.unwrap_err();
    assert!(error.is_bad_credentials(), "{error}");
    assert_eq!(endpoint.seen(), ["stale", "wrong"]);
    assert_eq!(vault.counts(), (2, 2));
}

#[tokio::test]
async fn a_failing_provider_ends_the_fetch_with_its_own_error() {
    for error in [Error::transient("sealed"), Error::permanent("no such key")] {
        let client = RotatingClient::provided(Vault::of([Err(error.clone())]))
            .with_fallback(ClientAuth::secret("id", "old"))
            .unwrap();
        let got = refused_unsent(&client).await;
        assert_eq!(got.is_transient(), error.is_transient());
        assert_eq!(got.source().unwrap().to_string(), error.source().unwrap().to_string());
    }
}

/// A vault that wants a token itself, from an endpoint that refuses it.
struct Guarded;

impl SecretProvider for Guarded {
    async fn credentials(&self) -> Result<ClientAuth, Error> {
        let client = ClientAuth::secret("vault-client", "vault-secret");
        let grant = oauth_core::Apiera::builder(client).organization("org_A").build()?;
        let refusing = tower::service_fn(|_: Request<Full<Bytes>>| async {
            Ok::<_, Infallible>(
                Response::builder().status(403).body(Full::<Bytes>::default()).unwrap(),
            )
        });
        let token = GrantSource::new(grant, refusing).fetch(FetchContext::default()).await?;
        Ok(ClientAuth::secret("id", token.expose_secret().to_owned()))
    }
}

#[tokio::test]
async fn an_error_of_a_provider_names_the_grants_provider_unless_it_names_one_already() {
    let endpoint = Endpoint::new(&[]);
    let source = source_of(&RotatingClient::provided(Guarded), &endpoint);
    assert_eq!(source.fetch(FetchContext::default()).await.unwrap_err().provider(), Some("Apiera"));

    struct Empty;
    impl SecretProvider for Empty {
        async fn credentials(&self) -> Result<ClientAuth, Error> {
            Err(Error::permanent("no such key"))
        }
    }
    let source = source_of(&RotatingClient::provided(Empty), &endpoint);
    assert_eq!(
        source.fetch(FetchContext::default()).await.unwrap_err().provider(),
        Some("auth.example.com")
    );
    assert!(endpoint.seen().is_empty());
}

#[tokio::test]
async fn a_provider_that_fails_after_wrong_credentials_is_the_failure_that_counts() {
    let vault = Vault::of([Ok(ClientAuth::secret("id", "stale")), Err(Error::transient("sealed"))]);
    let endpoint = Endpoint::new(&[]);
    let client = RotatingClient::provided(vault.clone());
    let error = source_of(&client, &endpoint).fetch(FetchContext::default()).await.unwrap_err();
    assert!(error.is_transient() && !error.is_bad_credentials(), "{error}");
    assert_eq!(endpoint.seen(), ["stale"]);
    assert_eq!(vault.counts(), (2, 1));
}

#[tokio::test]
async fn empty_or_unprintable_credentials_are_refused_by_name_when_they_arrive() {
    for (id, secret, name) in
        [("", "s", "client_id"), ("id", "", "client_secret"), ("id", "s\n", "client_secret")]
    {
        let client = RotatingClient::provided(Vault::of([Ok(ClientAuth::secret(id, secret))]));
        let error = refused_unsent(&client).await;
        assert!(error.is_setting() && !error.is_transient(), "{error}");
        let start = format!("auth.example.com: `{name}` ");
        assert!(error.to_string().starts_with(&start), "{error}");
    }
}

#[tokio::test]
async fn the_fallback_comes_after_the_providers_credentials() {
    for (secrets, seen) in [(["a", "a"], &["a", "old"][..]), (["a", "b"], &["a", "b", "old"][..])] {
        let endpoint = Endpoint::new(&["old"]);
        let client = RotatingClient::provided(Vault::secrets(secrets))
            .with_fallback(ClientAuth::secret("id", "old"))
            .unwrap();
        source_of(&client, &endpoint).fetch(FetchContext::default()).await.unwrap();
        assert_eq!(endpoint.seen(), seen);
    }
}

#[tokio::test]
async fn a_rotation_takes_the_providers_place() {
    let vault = Vault::secrets(["vaults"]);
    let endpoint = Endpoint::new(&["vaults"]);
    let client = RotatingClient::provided(vault.clone());
    let source = source_of(&client, &endpoint);
    assert_eq!(client.current().id(), "");
    source.fetch(FetchContext::default()).await.unwrap();
    assert_eq!(client.current().id(), "id");
    client.rotate(ClientAuth::secret("other", "given")).unwrap();
    assert_eq!((client.current().id(), client.epoch()), ("other", 1));
    vault.counts();
    source.fetch(FetchContext::default()).await.unwrap_err();
    assert_eq!(endpoint.seen(), ["vaults", "given"]);
    assert_eq!(vault.counts(), (0, 0));
}

#[tokio::test]
async fn the_response_to_a_request_is_read_with_the_credentials_that_it_carried() {
    // The endpoint echoes the secret: it must be masked even if a newer one is known by then.
    let vault = Vault::secrets(["plain-first", "plain-second"]);
    let client = RotatingClient::provided(vault);
    let error =
        source_of(&client, &Endpoint::new(&[])).fetch(FetchContext::default()).await.unwrap_err();
    assert!(texts(&error).contains("not the secret"), "{error}");
    assert!(!texts(&error).contains("plain-"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_meets_the_sources_limit_and_the_slots() {
    let endpoint = Endpoint::new(&[]);
    let client = RotatingClient::provided(Hanging);
    for (limit, after, told) in [
        (
            Duration::from_secs(10),
            Duration::from_millis(9_500),
            "no response from the secret provider",
        ),
        (
            Duration::from_secs(2),
            Duration::from_secs(2),
            "timed out fetching a token (attempt limit of 2s)",
        ),
    ] {
        let slot = TokenSlot::builder(source_of(&client, &endpoint)).attempt_timeout(limit).build();
        let before = tokio::time::Instant::now();
        let error = slot.prefetch().await.unwrap_err();
        assert_eq!(before.elapsed(), after);
        assert!(error.is_timeout() && error.is_transient(), "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(endpoint.seen(), [""; 0]);
}

#[tokio::test]
async fn a_rotated_file_is_picked_up_after_one_refusal_in_the_same_fetch() {
    let file = Scratch::holding("one\r\n");
    let endpoint = Endpoint::new(&["one"]);
    let source = source_of(&file.client(), &endpoint);
    source.fetch(FetchContext::default()).await.unwrap();
    assert_eq!(endpoint.seen(), ["one"]);
    fs::write(&file.0, "two\n").unwrap();
    *endpoint.takes.lock().unwrap() = vec!["two"];
    source.fetch(FetchContext::default()).await.unwrap();
    assert_eq!(endpoint.seen(), ["one", "two"]);
    source.fetch(FetchContext::default()).await.unwrap();
    assert_eq!(endpoint.seen(), ["two"]);
}

#[tokio::test]
async fn a_file_that_did_not_change_costs_one_request_and_is_read_anew_by_the_next_fetch() {
    let file = Scratch::holding("wrong");
    let endpoint = Endpoint::new(&["right"]);
    let source = source_of(&file.client(), &endpoint);
    let error = source.fetch(FetchContext::default()).await.unwrap_err();
    assert!(error.is_bad_credentials(), "{error}");
    assert_eq!(endpoint.seen(), ["wrong"]);
    fs::write(&file.0, "right").unwrap();
    source.fetch(FetchContext::default()).await.unwrap();
    assert_eq!(endpoint.seen(), ["right"]);
}

#[tokio::test]
async fn a_file_is_read_once_while_its_secret_is_good() {
    let file = Scratch::holding("one");
    let endpoint = Endpoint::new(&["one"]);
    let source = source_of(&file.client(), &endpoint);
    source.fetch(FetchContext::default()).await.unwrap();
    fs::remove_file(&file.0).unwrap();
    source.fetch(FetchContext::default()).await.unwrap();
    assert_eq!(endpoint.seen(), ["one", "one"]);
}

#[tokio::test]
async fn a_file_that_changes_while_the_request_is_under_way_is_seen() {
    let file = Scratch::holding("one");
    let endpoint = Endpoint::new(&["two"]);
    let path = file.0.clone();
    *endpoint.on_request.lock().unwrap() = Box::new(move || fs::write(&path, "two").unwrap());
    source_of(&file.client(), &endpoint).fetch(FetchContext::default()).await.unwrap();
    assert_eq!(endpoint.seen(), ["one", "two"]);
}

#[tokio::test]
async fn a_missing_file_is_a_permanent_error_with_its_path() {
    let file = Scratch::new();
    let error = refused_unsent(&file.client()).await;
    assert_eq!(
        error.to_string(),
        format!(
            "auth.example.com: `client_secret` has no file (entity not found): {}",
            file.0.display()
        )
    );
    assert!(error.is_setting() && !error.is_transient());
}

#[tokio::test]
async fn a_file_that_holds_no_secret_is_refused_with_its_path() {
    let contents: [(Vec<u8>, &str); 5] = [
        (b"".to_vec(), "has an empty file"),
        (b"\r\n\n".to_vec(), "has an empty file"),
        (b"hidden\nhidden\n".to_vec(), "has a file with a control character"),
        (b"hidden\xff".to_vec(), "has a file that is not UTF-8"),
        (b"hidden".repeat(11_000), "has a file larger than 64 KiB"),
    ];
    for (content, problem) in contents {
        let file = Scratch::holding(content);
        let error = refused_unsent(&file.client()).await;
        let text = texts(&error);
        assert!(text.contains(problem) && text.contains(file.0.to_str().unwrap()), "{text}");
        assert!(error.is_setting() && !error.is_transient(), "{text}");
        assert!(!text.contains("hidden"), "{text}");
    }
}

#[tokio::test]
async fn a_file_of_exactly_64_kib_is_taken() {
    let file = Scratch::holding("x".repeat(64 * 1024));
    let endpoint = Endpoint::new(&[]);
    let error =
        source_of(&file.client(), &endpoint).fetch(FetchContext::default()).await.unwrap_err();
    assert!(error.is_bad_credentials());
    assert_eq!(endpoint.seen().len(), 1);
}

#[tokio::test]
async fn a_directory_is_refused() {
    let client = RotatingClient::provided(FileSecret::new("id", std::env::temp_dir()));
    let error = refused_unsent(&client).await;
    assert!(error.to_string().contains("is not in a regular file"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_cannot_be_read_is_a_transient_error_with_its_path_and_the_kind() {
    let file = Scratch::holding("hidden");
    let inside = file.0.join("inside");
    let client = RotatingClient::provided(FileSecret::new("id", &inside));
    let error = refused_unsent(&client).await;
    assert!(error.is_transient() && !error.is_setting(), "{error}");
    let told = format!("{} cannot be read: not a directory", inside.display());
    assert!(error.to_string().ends_with(&told), "{error}");
}

#[test]
fn what_was_rejected_while_it_was_read_is_not_kept() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let file = Scratch::holding("one");
        let secret = FileSecret::new("id", &file.0);
        let (open, gate) = std::sync::mpsc::channel::<()>();
        // Holds the only thread that files are read on.
        tokio::task::spawn_blocking(move || gate.recv());
        let mut read = tokio_test::task::spawn(secret.credentials());
        assert!(read.poll().is_pending());
        secret.rejected();
        open.send(()).unwrap();
        let first = read.await.unwrap();
        fs::write(&file.0, "two").unwrap();
        let second = secret.credentials().await.unwrap();
        let grant = grant_of(RotatingClient::new(first.clone()));
        assert!(
            grant
                .request(&TokenRequest::new(&grant, first.clone()))
                .body()
                .ends_with(b"client_secret=one")
        );
        assert!(
            grant
                .request(&TokenRequest::new(&grant, second.clone()))
                .body()
                .ends_with(b"client_secret=two")
        );
    });
}

#[tokio::test]
async fn the_method_of_a_file_secret_is_that_of_its_client() {
    let file = Scratch::holding("b c");
    let secret = |path: &Path| FileSecret::new("a", path);
    for (secret, sent) in [
        (secret(&file.0), "b+c"),
        (secret(&file.0).post(), "b+c"),
        (secret(&file.0).basic(), "Basic YTpiK2M="),
        (secret(&file.0).raw_basic(), "Basic YTpiIGM="),
    ] {
        let endpoint = Endpoint::new(&[]);
        let source = source_of(&RotatingClient::provided(secret), &endpoint);
        source.fetch(FetchContext::default()).await.unwrap_err();
        assert_eq!(endpoint.seen(), [sent]);
    }
}

#[tokio::test]
async fn no_debug_output_and_no_error_shows_the_secret() {
    let file = Scratch::holding("hidden");
    let secret = Arc::new(FileSecret::new("visible", &file.0));
    let client = RotatingClient::provided(secret.clone());
    let endpoint = Endpoint::new(&[]);
    let source = GrantSource::new(grant_of(client.clone()), transport_to(&endpoint));
    let error = source.fetch(FetchContext::default()).await.unwrap_err();
    endpoint.takes.lock().unwrap().push("hidden");
    source.fetch(FetchContext::default()).await.unwrap();
    assert_eq!(endpoint.seen(), ["hidden", "hidden"]);
    let client_text = format!("{client:?} {client:#?} {:?}", source.grant().client());
    assert!(client_text.contains("visible"), "{client_text}");
    let all = format!("{client_text} {secret:?} {secret:#?} {source:?} {}", texts(&error));
    assert!(!all.contains("hidden"), "{all}");
}

#[test]
fn a_file_secret_without_a_runtime_is_an_error() {
    let file = Scratch::holding("hidden");
    let secret = FileSecret::new("id", &file.0);
    let error = tokio_test::task::spawn(secret.credentials()).poll();
    assert!(matches!(error, std::task::Poll::Ready(Err(_))), "{error:?}");
}

#[tokio::test]
async fn of_a_file_secrets_methods_the_last_one_counts() {
    let file = Scratch::holding("hidden");
    let method = async |secret: FileSecret| {
        let text = format!("{:?}", secret.credentials().await.unwrap());
        let known = ["RawBasic", "Basic", "Post", "None"];
        known.into_iter().find(|method| text.contains(method)).unwrap()
    };
    let secret = || FileSecret::new("id", &file.0);
    assert_eq!(method(secret()).await, "None");
    assert_eq!(method(secret().post().basic()).await, "Basic");
    assert_eq!(method(secret().basic().raw_basic()).await, "RawBasic");
    assert_eq!(method(secret().basic().post()).await, "Post");
    let shown = format!("{:?}", secret());
    assert!(shown.starts_with("FileSecret { client: ClientAuth { id: \"id\""), "{shown}");
}
