use super::*;

#[test]
fn each_message_has_its_class() {
    let cases: &[(&str, Class)] = &[
        ("ERROR: 1023 DETAIL: Serializable isolation violation on table - 142443", Passing),
        ("ERROR: 1023\n  Detail: Serializable isolation violation on table - 142443", Passing),
        ("Query #3 failed with ERROR: 1023 DETAIL: Serializable isolation violation", Passing),
        ("ERROR: 1018 DETAIL: Relation does not exist.", Moved),
        ("ERROR: could not serialize access due to concurrent update", Passing),
        (
            "ERROR: deadlock detected\n  Detail: Process 1 waits for AccessExclusiveLock on relation 7",
            Passing,
        ),
        ("ERROR: terminating connection due to administrator command", Passing),
        ("FATAL: the database system is shutting down", Passing),
        ("ERROR: something; SQLSTATE: 40001", Passing),
        ("ERROR: something [SQLState 57P01]", Passing),
        ("ERROR: something (SQLSTATE 42501)", Access),
        ("ERROR: something; SQLSTATE=42703", Schema),
        ("ERROR: could not open relation with OID 4455667", Moved),
        ("ERROR: table 1023 dropped by concurrent transaction", Moved),
        ("ERROR: relation \"public.t\" does not exist", Moved),
        ("ERROR: Cannot COPY into nonexistent table t", Moved),
        ("ERROR: permission denied for relation user_sessions", Access),
        ("ERROR: permission denied for schema restart", Access),
        ("ERROR: must be owner of table connections", Access),
        ("ERROR: column \"session_id\" of relation does not exist", Schema),
        ("ERROR: column \"a\" of relation \"connection\" does not exist", Schema),
        ("ERROR: column connection.serializable does not exist", Schema),
        ("ERROR: Disk Full DETAIL: node 0, query 1102389", Lasting),
        (
            "ERROR: Value too long for character type DETAIL: Value too long for type character varying(1023)",
            Schema,
        ),
        ("ERROR: value too long for type character varying(5)", Schema),
        ("ERROR: Query (1023) cancelled by WLM abort action of Query Monitoring Rule \"restart\".", Ended),
        ("ERROR: Query cancelled on user's request", Ended),
        // S3 and Spectrum.
        (
            "ERROR: S3ServiceException:User: arn:aws:sts::1:assumed-role/C/RedshiftIamRoleSession is not authorized to \
             perform: s3:GetObject on resource: \"arn:aws:s3:::stage/x\",Status 403,Error AccessDenied",
            Access,
        ),
        ("ERROR: S3ServiceException:Access Denied", Access),
        (
            "ERROR: S3ServiceException:see SlowDown,Status 503 here,Status 403,Error AccessDenied,Rid 5",
            Access,
        ),
        ("ERROR: S3ServiceException: internal error of S3,Status 500,Error InternalError", Passing),
        (
            "ERROR: S3ServiceException:Please reduce your request rate.,Status 503,Error SlowDown,Rid X",
            Passing,
        ),
        ("ERROR: S3ServiceException:Request has expired,Status 403,Error AccessDenied", Lasting),
        (
            "ERROR: Load into table 't' failed: Problem reading manifest file - S3ServiceException:The specified bucket \
             does not exist,Status 404,Error NoSuchBucket",
            Access,
        ),
        (
            "ERROR: Spectrum Scan Error DETAIL: code: 15001 context: Unmatched number of columns between table and file. \
             query: 41023567 process: worker [pid=10231]",
            Schema,
        ),
        (
            "ERROR: S3 Query Exception (Fetch) DETAIL: code: 15001 context: Task failed due to an internal error. File \
             'https://s3/SlowDown/503' has an incompatible Parquet schema for column 's3://b/k.id'. query: 1",
            Schema,
        ),
        (
            "ERROR: Spectrum Scan Error Detail: \n ---\n code: 15007\n context: File 'x' has an incompatible Parquet s query: 1",
            Schema,
        ),
        (
            "ERROR: S3 Query Exception (Fetch) DETAIL: code: 15001 context: a worker had no resources left query: 7",
            Passing,
        ),
        (
            "ERROR: Spectrum Scan Error DETAIL: code: 15007 context: S3 answered 503 SlowDown for part-00000 query: 5550",
            Passing,
        ),
        ("ERROR: Spectrum Scan Error DETAIL: code: 15001 context: Access Denied query: 503", Access),
        ("ERROR: Spectrum Scan Error", Lasting),
        (
            "ERROR: Spectrum Scan Error DETAIL: context: a bad page in s3://b/SlowDown/InternalError/503 query: 503",
            Lasting,
        ),
    ];
    for (message, class) in cases {
        assert_eq!(judge(message).0, *class, "{message}\n{:?}", Said::of(message));
    }
}

/// A name may be any word: what it says must not be taken for what Redshift says.
#[test]
fn names_never_count() {
    let words = [
        "session",
        "connection",
        "restart",
        "1023",
        "terminating connection due to",
        "permission denied",
        "serializable isolation violation",
        "SlowDown",
        "503",
        "InternalError",
        "deadlock detected",
        "could not serialize access",
        "retries exceeded",
        "SQLSTATE 40001",
        "access denied",
        "by wlm abort action",
    ];
    type Message = fn(&str) -> String;
    let around: &[(Message, Class)] = &[
        (|name| format!("ERROR: permission denied for relation {name}"), Access),
        (|name| format!("ERROR: must be owner of table \"{name}\""), Access),
        (|name| format!("ERROR: column \"{name}\" of relation does not exist"), Schema),
        (|name| format!("ERROR: relation \"{name}\" does not exist"), Moved),
        (|name| format!("ERROR: invalid input syntax for integer: \"{name}\""), Lasting),
        (|name| format!("ERROR: Load into table '{name}' failed. Look at stl_load_errors"), Lasting),
        (
            |name| {
                format!(
                    "ERROR: Spectrum Scan Error DETAIL: code: 15001 context: File '{name}' is broken query: 1"
                )
            },
            Lasting,
        ),
        (
            |name| format!("ERROR: Spectrum Scan Error DETAIL: context: s3://b/{name}/x is broken query: 1"),
            Lasting,
        ),
    ];
    for (message, class) in around {
        for word in words {
            // A path has no blanks.
            let name = if message("").contains("s3://") { word.replace(' ', "-") } else { word.to_owned() };
            let message = message(&name);
            assert_eq!(judge(&message).0, *class, "{message}\n{:?}", Said::of(&message));
        }
    }
}

#[test]
fn a_number_counts_at_its_place_alone() {
    for message in [
        "ERROR: query 1023 failed",
        "ERROR: 10231 DETAIL: x",
        "ERROR: 1023 rows were too many",
        "ERROR: no DETAIL: pid:1023",
        "ERROR: account 1023",
    ] {
        assert_eq!(judge(message).0, Lasting, "{message}");
    }
}

#[test]
fn a_guard_has_spoken_only_in_its_own_words() {
    let words = "csl-stream: loaded already, rows:";
    for (message, spoken) in [
        ("ERROR: invalid input syntax for integer: \"csl-stream: loaded already, rows: 1\"", true),
        ("ERROR: syntax error near \"'csl-stream: loaded already, rows: ' || CAST(\"", false),
        ("ERROR: terminating connection due to administrator command", false),
        ("ERROR: permission denied for relation csl_stream_loads", false),
        ("", false),
    ] {
        assert_eq!(has_spoken(message, words), spoken, "{message}");
    }
}
