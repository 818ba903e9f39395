//! Credentials, region and endpoint by AWS's own chain, for object_store.
//!
//! object_store signs requests but reads neither profiles nor SSO nor a process's credentials; AWS's
//! own configuration crate does. [`Chain`] stands between the two: it keeps what the chain gave and
//! asks again before that runs out.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use futures::future::BoxFuture;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use tokio::sync::Mutex;

use super::fault::{CREDENTIALS_PATH, in_full};
use super::naming::S3_ENDPOINT;
use super::outbound::services;

/// Credentials are asked for anew this long before they run out.
const REFRESH_BEFORE_EXPIRY: Duration = Duration::from_secs(5 * 60);

/// What the environment and the profile say.
pub(super) async fn load() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).http_client(services()).load().await
}

/// The endpoint for S3, if it is not AWS's own: the service's variable wins over the general one.
pub(super) fn endpoint_of(config: &SdkConfig) -> Option<String> {
    let service = std::env::var(S3_ENDPOINT).ok().filter(|url| !url.is_empty());
    service.or_else(|| config.endpoint_url().map(str::to_owned))
}

/// AWS's chain as object_store wants it, with a memory.
pub(super) struct Chain {
    provider: Option<SharedCredentialsProvider>,
    held: Mutex<Option<Held>>,
}

struct Held {
    credential: Arc<AwsCredential>,
    expires: Option<SystemTime>,
}

impl Held {
    fn lasts(&self, ahead: Duration) -> bool {
        self.expires.is_none_or(|expires| SystemTime::now() + ahead < expires)
    }
}

impl Chain {
    pub(super) fn new(config: &SdkConfig) -> Self {
        Self { provider: config.credentials_provider(), held: Mutex::new(None) }
    }

    async fn credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        // Held while asking: many requests at once ask the chain only once.
        let mut held = self.held.lock().await;
        if let Some(fresh) = held.as_ref().filter(|held| held.lasts(REFRESH_BEFORE_EXPIRY)) {
            return Ok(fresh.credential.clone());
        }
        match self.ask().await {
            Ok(fresh) => Ok(held.insert(fresh).credential.clone()),
            Err(error) => match held.as_ref().filter(|held| held.lasts(Duration::ZERO)) {
                Some(old) => Ok(old.credential.clone()),
                None => Err(error),
            },
        }
    }

    async fn ask(&self) -> object_store::Result<Held> {
        let provider = self.provider.as_ref().ok_or_else(|| unauthenticated("none are set".to_owned()))?;
        let found = provider.provide_credentials().await.map_err(|error| unauthenticated(in_full(&error)))?;
        let credential = AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        };
        Ok(Held { credential: Arc::new(credential), expires: found.expiry() })
    }
}

fn unauthenticated(cause: String) -> object_store::Error {
    object_store::Error::Unauthenticated { path: CREDENTIALS_PATH.to_owned(), source: cause.into() }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chain")
    }
}

impl CredentialProvider for Chain {
    type Credential = AwsCredential;

    fn get_credential<'a, 'b>(&'a self) -> BoxFuture<'b, object_store::Result<Arc<AwsCredential>>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.credential())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use aws_credential_types::Credentials;
    use aws_credential_types::provider::error::CredentialsError;
    use aws_credential_types::provider::future::ProvideCredentials as Answer;

    use super::*;

    /// Gives credentials that last `lasts_seconds`, `answers` times, and then none.
    #[derive(Debug)]
    struct Source {
        lasts_seconds: Option<u64>,
        answers: usize,
        asked: Arc<AtomicUsize>,
    }

    impl ProvideCredentials for Source {
        fn provide_credentials<'a>(&'a self) -> Answer<'a>
        where
            Self: 'a,
        {
            if self.asked.fetch_add(1, SeqCst) >= self.answers {
                return Answer::ready(Err(CredentialsError::not_loaded("the session has expired")));
            }
            let expires = self.lasts_seconds.map(|seconds| SystemTime::now() + Duration::from_secs(seconds));
            Answer::ready(Ok(Credentials::new("AKID", "secret", None, expires, "test")))
        }
    }

    #[test]
    fn credentials_are_kept_until_they_run_out() {
        let runtime = crate::store::runtime::runtime().unwrap();
        for (lasts_seconds, answers, asked_expected, last_is_good) in [
            (None, 9, 1, true),
            (Some(3600), 9, 1, true),
            (Some(60), 9, 3, true),
            (Some(60), 1, 3, true),
            (Some(0), 1, 3, false),
            (None, 0, 3, false),
        ] {
            let asked = Arc::new(AtomicUsize::new(0));
            let source = Source { lasts_seconds, answers, asked: asked.clone() };
            let provider = SharedCredentialsProvider::new(source);
            let chain = Chain::new(&SdkConfig::builder().credentials_provider(provider).build());
            let results: Vec<_> = (0..3).map(|_| runtime.block_on(chain.get_credential())).collect();
            assert_eq!(asked.load(SeqCst), asked_expected, "{lasts_seconds:?} {answers}");
            assert_eq!(results[2].is_ok(), last_is_good, "{lasts_seconds:?} {answers}");
        }
    }
}
