//! The complete, commented file that `generate-config` writes.

/// Parsed back in a test.
pub const EXAMPLE: &str = r#"# connect-warden: every key, with its default where it has one.
# Durations are written as people write them: 15s, 1m 30s.

clusters:
  - # The value of the label connect_cluster. Each name once.
    name: orders
    # Workers of this one cluster. Reads stay with one that answers. user:pass@ is accepted.
    urls:
      - http://connect-1:8083
      - http://connect-2:8083
    # Only connectors whose whole name matches one of these; none: every connector.
    include: []
    # Never connectors whose whole name matches one of these.
    exclude: ['tmp-.*']
    # HTTP Basic. A secret comes from a file or from the environment, never from here.
    #basic_auth:
    #  username: warden
    #  password: {file: /run/secrets/connect}
    #bearer_token: {env: CONNECT_TOKEN}
    tls:
      # PEM; trusted in place of the system's authorities.
      #ca_file: /etc/ssl/connect-ca.pem
      # PEM; a client certificate and its key.
      #cert_file: /etc/ssl/warden.pem
      #key_file: /etc/ssl/warden.key
      # Accept any certificate. Said loudly at start.
      insecure_skip_verify: false
    # A worker_id that is seen and matches one of these is dialled too; default none.
    dial_workers: []
    # Time to connect.
    connect_timeout: 3s
    # The longest answer that is read, 1 to 1073741824.
    max_body_bytes: 67108864
    # Whether HTTP_PROXY and the like are heeded.
    proxy_from_environment: false
    # Whether connectors get on: reads the offsets of RUNNING ones (workers of 3.5 and later), one
    # after the other. Left out: of none.
    progress:
      # Whole names; none: every connector. A source with nothing to read looks stalled too.
      connectors: ['.*-sink']
      # From one round over the connectors to the next.
      interval: 1m
      # Offsets that stand still for this long.
      stalled_after: 15m

poll:
  # From the start of one poll of a cluster to the start of the next.
  interval: 15s
  # Time for one request; at most the interval.
  timeout: 10s
  # Requests of one cluster at once where connectors are asked one by one, 1 to 256.
  concurrency: 8
  # How often workers are asked whether they live and can serve.
  worker_interval: 15s
  # A worker that takes longer cannot serve; its own limit is 10 s, so more than that.
  health_timeout: 12s

metrics:
  # Without a valid poll for this long a cluster's states vanish; default 3 intervals.
  staleness: 45s
  # full: all states with 0 and 1. current: only the 1s, for very large clusters.
  state_series: full

watchdog:
  # off; dry-run: says what it would restart and sends nothing; on: restarts what is stuck.
  mode: dry-run
  # What it did survives in this file; one process a file.
  #journal: /var/lib/connect-warden/journal
  # Where the journal was lost nothing is restarted for so long.
  journal_lost_hold: 2m
  # FAILED for at least so long, in two polls.
  grace: 30s
  # The first attempt comes at random within this; then the wait doubles from base to cap.
  first_jitter: 10s
  backoff_base: 1m
  backoff_cap: 30m
  # RUNNING in every poll for so long is recovered.
  verify: 2m
  # FAILED right after a restart may be the old status for so long.
  stale_status: 1m
  # While this file is there nothing is restarted; looked for before each restart.
  #stop_file: /var/lib/connect-warden/stop

# Rules of your own to tell failures apart; they come before those that are built in. `connect-warden
# classify` says which rule fits a trace.
failure_rules:
  - name: warehouse-loading
    # TRANSIENT, UNKNOWN, RESOURCE, AUTH, DATA, OFFSET_LOST or INSTALL.
    class: TRANSIENT
    # One of these is enough; without regard to case; * stands for anything within a line.
    any: ['warehouse * is loading']
    # Beginnings of an SQLSTATE or an HTTP status, and error numbers.
    sqlstate: []
    http: []
    codes: []
    advice: The nightly load is running; it ends at six.

web:
  # Port 0 takes a free one.
  listen_addresses: [':9783']
  telemetry_path: /metrics
  # Connections at once, 1 to 100000.
  max_connections: 512
"#;

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::EXAMPLE;

    #[test]
    fn the_example_is_a_valid_file() {
        let plain = file::parse(EXAMPLE).unwrap();
        assert_eq!(plain.clusters[0].urls.len(), 2);
    }

    #[test]
    fn what_is_commented_out_is_valid_too() {
        let all = EXAMPLE
            .replace("    #basic", "    basic")
            .replace("    #bearer", "    bearer")
            .replace("    #  ", "      ")
            .replace("      #c", "      c")
            .replace("      #k", "      k");
        let file = file::parse(&all).unwrap();
        assert!(file.clusters[0].basic_auth.is_some() && file.clusters[0].tls.key_file.is_some());
    }
}
