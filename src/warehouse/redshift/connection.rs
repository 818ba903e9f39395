//! Which Redshift, which database, as whom.

use crate::error::{Error, Result};

/// Where statements run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A provisioned cluster, by its identifier.
    Cluster(String),
    /// A serverless workgroup, by its name.
    Workgroup(String),
}

/// As whom statements run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// The user in a secret of Secrets Manager.
    Secret(String),
    /// A database user, with temporary credentials; provisioned clusters only.
    User(String),
    /// The caller's own identity.
    Own,
}

/// All that a statement needs to reach its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Where.
    pub place: Place,
    /// Which database.
    pub database: String,
    /// As whom.
    pub login: Login,
}

impl Connection {
    /// Puts together what the configuration says.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the key that is missing or too much.
    pub fn of(
        cluster: Option<&str>,
        workgroup: Option<&str>,
        database: Option<&str>,
        secret_arn: Option<&str>,
        db_user: Option<&str>,
    ) -> Result<Self> {
        let place = match (cluster, workgroup) {
            (Some(cluster), None) => Place::Cluster(cluster.to_owned()),
            (None, Some(workgroup)) => Place::Workgroup(workgroup.to_owned()),
            (Some(_), Some(_)) => {
                return Err(Error::usage("redshift.cluster and redshift.workgroup exclude each other")
                    .help("name the one that holds the mirror"));
            }
            (None, None) => {
                return Err(Error::usage("no Redshift was named").help(
                    "set redshift.cluster (provisioned) or redshift.workgroup (serverless) in csl-stream.toml",
                ));
            }
        };
        let database = database.ok_or_else(|| {
            Error::usage("no database was named").help("set redshift.database in csl-stream.toml")
        })?;
        let login = match (secret_arn, db_user) {
            (Some(_), Some(_)) => {
                return Err(Error::usage("redshift.secret_arn and redshift.db_user exclude each other")
                    .help("keep the one that statements shall run as"));
            }
            (Some(arn), None) => Login::Secret(arn.to_owned()),
            (None, Some(_)) if workgroup.is_some() => {
                return Err(Error::usage("a serverless workgroup takes no redshift.db_user")
                    .help("use redshift.secret_arn, or the caller's own identity"));
            }
            (None, Some(user)) => Login::User(user.to_owned()),
            (None, None) => Login::Own,
        };
        Ok(Self { place, database: database.to_owned(), login })
    }

    /// Cluster, workgroup, secret and user as the API's calls want them.
    pub(super) fn parts(&self) -> Parts {
        let mut parts = Parts { database: Some(self.database.clone()), ..Parts::default() };
        match &self.place {
            Place::Cluster(name) => parts.cluster = Some(name.clone()),
            Place::Workgroup(name) => parts.workgroup = Some(name.clone()),
        }
        match &self.login {
            Login::Secret(arn) => parts.secret = Some(arn.clone()),
            Login::User(user) => parts.user = Some(user.clone()),
            Login::Own => {}
        }
        parts
    }
}

impl std::fmt::Display for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Place::Cluster(name) | Place::Workgroup(name)) = &self.place;
        write!(f, "redshift://{name}/{}", self.database)
    }
}

#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) cluster: Option<String>,
    pub(super) workgroup: Option<String>,
    pub(super) database: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) user: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_place_and_at_most_one_login() {
        type Given<'a> = [Option<&'a str>; 5];
        let cases: &[(Given<'_>, &str)] = &[
            ([Some("c"), None, Some("d"), None, None], "redshift://c/d"),
            ([None, Some("w"), Some("d"), Some("arn"), None], "redshift://w/d"),
            ([Some("c"), None, Some("d"), None, Some("u")], "redshift://c/d"),
            ([None, None, Some("d"), None, None], "no Redshift was named"),
            ([Some("c"), Some("w"), Some("d"), None, None], "exclude each other"),
            ([Some("c"), None, None, None, None], "no database was named"),
            ([Some("c"), None, Some("d"), Some("arn"), Some("u")], "exclude each other"),
            ([None, Some("w"), Some("d"), None, Some("u")], "takes no redshift.db_user"),
        ];
        for ([cluster, workgroup, database, secret, user], expected) in cases {
            let shown = match Connection::of(*cluster, *workgroup, *database, *secret, *user) {
                Ok(connection) => connection.to_string(),
                Err(error) => format!("{} {error}", error.exit_code()),
            };
            assert!(shown.contains(expected), "{shown}");
        }
    }
}
