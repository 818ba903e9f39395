//! Who may speak to a cluster, and what does not travel.

use crate::world::{Cluster, World, ended, free_port, said, spawned};
use std::path::Path;
use std::process::Command;

fn openssl(folder: &Path, words: &str) {
    let output = Command::new("openssl").args(words.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {words}: {}", said(&output));
}

/// A folder for `--tls` whose certificate is of an authority of its own, or of that of another folder.
fn certificates(world: &World, name: &str, of: Option<&str>) -> String {
    let folder = world.path(name);
    std::fs::create_dir(&folder).unwrap();
    let names = "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n";
    std::fs::write(folder.join("names"), names).unwrap();
    match of {
        None => openssl(
            &folder,
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt",
        ),
        Some(of) => {
            for file in ["ca.crt", "ca.key"] {
                std::fs::copy(world.path(of).join(file), folder.join(file)).unwrap();
            }
        }
    }
    openssl(&folder, "req -newkey rsa:2048 -nodes -subj /CN=node -keyout node.key -out node.csr");
    openssl(
        &folder,
        "x509 -req -in node.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out node.crt",
    );
    folder.to_str().unwrap().to_owned()
}

#[test]
fn mutual_tls() {
    let world = World::new(40_000, false);
    let output = world.convert("signatures.csv", "one", &[]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let own = certificates(&world, "own", None);
    let other = certificates(&world, "other", None);
    let cluster = Cluster::start(&world, 2, &["--tls", &own]);
    let output = ended(spawned(cluster.driver("signatures.csv", "out")));
    assert!(output.status.success(), "{}", said(&output));
    assert!(world.files("out") == world.files("one"));
    // A plain client, and one of another authority.
    for tls in [&[][..], &["--cluster-tls", &other]] {
        let mut command = world.convert("signatures.csv", "refused", &["--cluster", &cluster.address]);
        command.args(tls).env("CSL_CLUSTER_WAIT_SECONDS", "1");
        let output = ended(spawned(command));
        assert_eq!(output.status.code(), Some(7), "{tls:?}: {}", said(&output));
        assert!(world.files("refused").is_empty());
    }
}

#[test]
fn other_machines_without_tls_are_refused() {
    let world = World::new(10, false);
    let port = free_port();
    for words in [
        vec!["cluster", "scheduler", "--listen", "0.0.0.0:50050"],
        vec!["cluster", "executor", "--scheduler", "10.0.0.7:50050"],
        vec!["cluster", "executor", "--scheduler", "127.0.0.1:50050", "--host", "worker-1"],
        vec![
            "convert",
            "--table",
            "signatures",
            "--schema",
            "schema.json",
            "--out",
            "out",
            "--cluster",
            "10.0.0.7:50050",
            "signatures.csv",
        ],
    ] {
        let output = ended(spawned(world.command(&words)));
        assert_eq!(output.status.code(), Some(2), "{words:?} ({port}): {}", said(&output));
        assert!(said(&output).contains("--tls"), "{}", said(&output));
    }
}

#[test]
fn what_is_secret_does_not_travel() {
    let world = World::new(40_000, false);
    let cluster = Cluster::start(&world, 1, &[]);
    let key = world.path("key");
    std::fs::write(&key, "0123456789abcdef0123456789abcdef").unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(
        world.path("csl-stream.toml"),
        "[privacy]\nsecret_file = \"key\"\n[privacy.columns]\n\"signatures.email\" = \"hash\"\n",
    )
    .unwrap();
    let output = ended(spawned(cluster.driver("signatures.csv", "out")));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("stays on this machine"), "{}", said(&output));
    let url = "https://127.0.0.1:1/signatures.csv?X-Amz-Signature=secret";
    let output = ended(spawned(cluster.driver(url, "out")));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(cluster.begun().is_empty());
    assert!(!cluster.logs().contains("0123456789abcdef") && !cluster.logs().contains("X-Amz"));
}
