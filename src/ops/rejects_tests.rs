use super::*;
use crate::config::Destination;

const ID: &str = "018df74f-8400-7abc-8def-0123456789ab";

#[test]
fn where_rejects_go() {
    let own = Path::new("own");
    for (to, staging, named, load, conversion) in [
        ("./warehouse", None, None, "own/", ""),
        ("./warehouse", Some("s3://b/p"), None, "own/", ""),
        ("./warehouse", Some("s3://b/p"), Some("kept"), "kept/", "kept/"),
        #[cfg(feature = "aws")]
        ("redshift", Some("s3://b/p"), None, "s3://b/p/rejects/", ""),
        #[cfg(feature = "aws")]
        ("redshift", Some("s3://b"), None, "s3://b/rejects/", ""),
        ("redshift", Some("s3://b/p"), Some("kept"), "kept/", "kept/"),
        #[cfg(feature = "aws")]
        ("./warehouse", None, Some("s3://c/r"), "s3://c/r/", "s3://c/r/"),
        #[cfg(feature = "aws")]
        ("./warehouse", None, Some("s3://c"), "s3://c/", "s3://c/"),
    ] {
        let mut config = Config::default();
        config.warehouse.to = Destination(to.to_owned());
        config.staging.url = staging.map(str::to_owned);
        config.load.rejects = named.map(str::to_owned);
        let name = format!("t-{ID}.rejects.csv");
        let of = |rejects: Result<Rejects>| rejects.unwrap().place.child(&name).unwrap().to_string();
        assert_eq!(of(Rejects::of_loads(&config, own, None)), format!("{load}{name}"), "{to} {named:?}");
        assert_eq!(
            of(Rejects::of_conversion(&config, None)),
            format!("{conversion}{name}"),
            "{to} {named:?}"
        );
    }
    for named in ["-", "https://h/rejects", ""] {
        let mut config = Config::default();
        config.load.rejects = Some(named.to_owned());
        let refused = Rejects::of_loads(&config, own, None).err().unwrap();
        assert_eq!(refused.exit_code(), 2, "{named}");
    }
}
