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
  # Where the journal was lost nothing is restarted for so long. 10ms to 1day.
  journal_lost_hold: 2m
  # The answer to a restart may take so long, 10ms to 2min; polls do not wait for it. A worker answers
  # once what it stops has stopped and what it starts is set up, and gives up by itself after 90s.
  restart_timeout: 30s
  # While this file is there nothing is restarted; looked for before each restart.
  #stop_file: /var/lib/connect-warden/stop
  # Each decision as a line of JSON; '-' is standard output. Left out: nowhere.
  #audit: /var/lib/connect-warden/audit.jsonl
  # A longer file is put aside, 65536 to 4294967296; so many are kept, 0 to 100.
  audit_max_bytes: 67108864
  audit_keep: 4

  # FAILED in so many valid polls in a row, 1 to 100, and for at least so long, 0s to 1day.
  sightings: 2
  grace: 30s
  # After a rebalance nothing is restarted for so long, 0s to 1h, but one that does not end holds no
  # longer than rebalance_most, up to 1day.
  rebalance_hold: 1m
  rebalance_most: 10m
  # What was not read for longer was not observed meanwhile. One poll to 1day; default 3 polls.
  longest_gap: 45s
  # The first attempt comes at random within this, 0s to 1h; then the wait doubles from base (10ms to
  # 1day) to cap (up to 7days).
  first_jitter: 10s
  backoff_base: 1m
  backoff_cap: 30m
  # Attempts by the failure's class, 0 to 100. More than 0 of OFFSET_LOST may hide a gap in the data.
  attempts: {TRANSIENT: 6, UNKNOWN: 4, RESOURCE: 2, AUTH: 2, DATA: 1, OFFSET_LOST: 0, INSTALL: 0}
  # Between two attempts of class AUTH, up to 7days: accounts lock.
  auth_spacing: 15m
  # Before the first of class DATA, up to 1day.
  data_delay: 5m
  # After a restart that was refused, such as by a rebalance. 10ms to 1h.
  refused_wait: 30s
  # RUNNING in every poll for so long is recovered, 10ms to 1day; what is not by verify_most, up to
  # 7days, is not going to be.
  verify: 2m
  verify_most: 10m
  # FAILED right after a restart may be the old status for so long. 0s to 1h.
  stale_status: 1m
  # Neither RUNNING nor FAILED for so long after a restart is stuck. 10ms to 1day.
  stuck: 5m
  # Attempts are forgotten after so long of health; verify to 7days.
  stable: 15m
  # So many restarts (2 to 1000) within the window (1s to 7days) are flapping: parked, or where
  # offsets move on with this spacing.
  flapping: {restarts: 6, window: 6h, spacing: 15m}
  # What is parked is tried this often for so long, then less often, until it is given up. 1s to
  # 365days, each at least the one before.
  parked: {often: 1h, often_until: 12h, seldom: 3h, until: 72h}
  # Restarts: at once, and an hour or a minute, 1 to 10000; in_flight: calls of one cluster, 1 to 100.
  budgets:
    connector: {at_once: 3, an_hour: 6}
    cluster: {at_once: 10, a_minute: 6}
    process: {at_once: 30, a_minute: 30}
    in_flight: 3
  # So many recoveries (1 to 1000) within the window (1s to 7days) that were not this program's are
  # somebody else's: the connector is left to them for so long (1s to 30days) after the last.
  foreign: {restarts: 2, window: 1h, stand_down: 6h}
  # When many fail at once: then only canaries are restarted.
  breaker:
    # So many units, 1 to 100000, and this part of all, 0 to 1, that failed within the window, 1s to
    # 1day.
    storm_units: 5
    storm_part: 0.3
    storm_window: 5m
    # Or so many connectors with one signature, 1 to 10000.
    signature_connectors: 3
    # Or of so many restarts, 2 to 1000, this part that failed, 0.01 to 1.
    ineffective_of: 10
    ineffective_part: 0.5
    # Or so many calls in a row that were refused or not answered, 1 to 100.
    refused_in_a_row: 3
  canary:
    # Before the first canary and between the next ones, each longer; the last again and again. 1s to
    # 1day.
    waits: [1m, 2m, 4m, 5m 30s]
    # An outage older than this (1s to 30days) is tried this often (the last wait to 1day).
    old: 6h
    old_wait: 15m
    # A canary that is RUNNING for so long is proof. 10ms to 1h.
    watch: 1m
  # After a proof so many are restarted, 1 to 10000, and factor times as many (1 to 100) with each
  # step (1s to 1h), until this part of them fails again (0.01 to 1).
  release: {first: 20, factor: 4, step: 15s, failing: 0.2}

  # Dependencies that may be asked whether they are back, by a connection or a TLS handshake, before
  # a canary is spent on them. These, at most 100, and no others. Left out: none.
  #probe:
  #  targets:
  #    - {host: db.example, port: 5432}
  #    - {host: search.example, port: 9200, tls: true}
  #  # From one probe of a target to the next, 1s to 1h, and the time for one, 10ms to 30s.
  #  interval: 30s
  #  timeout: 3s
  #  # One that no probe reaches is tried by a canary all the same after this, 1s to 7days.
  #  distrust: 1h

  # Spans of time that come again and again.
  windows:
    - name: nightly-load
      # Minute, hour, day of the month, month, weekday, on the clocks of the time zone; default UTC.
      cron: '0 2 * * *'
      time_zone: Europe/Berlin
      # How long it stays open, 1m to 30days.
      for: 4h
    - name: office-hours
      cron: '0 8 * * MON-FRI'
      time_zone: Europe/Berlin
      for: 10h
  # Nothing is done while one of the first is open; with any of the second, only while one is.
  hold_during: []
  act_during: []

  # The first rule that fits a unit wins; what none fits is treated as is said above. Patterns are
  # of whole names; an empty or missing list is no restriction. A rule without `match` comes last.
  rules:
    - name: warehouse
      match:
        clusters: ['orders']
        connectors: ['warehouse-.*']
        connector_classes: ['io\.confluent\.connect\.jdbc\..*']
        # source, sink or unknown.
        types: [sink]
        # TRANSIENT, UNKNOWN, RESOURCE, AUTH, DATA, OFFSET_LOST or INSTALL.
        failure_classes: [TRANSIENT, UNKNOWN]
      # As all where it is left out, and never more than all.
      mode: dry-run
      # Any of the numbers above from sightings to parked, but not those of rebalances and gaps.
      grace: 2m
      attempts: {TRANSIENT: 3}
      hold_during: [nightly-load]
    - name: payments
      match: {connectors: ['payments-.*']}
      act_during: [office-hours]

  # Whom to leave alone for a while, at most a day. Without `match`: everybody.
  #silences:
  #  - match: {connectors: ['billing-.*']}
  #    from: 2027-01-31T22:00:00+01:00
  #    until: 2027-02-01T04:00:00+01:00
  #    reason: the database is moved

# Rules of your own to tell failures apart; they come before those that are built in. `connect-warden
# classify` says which rule fits a trace.
failure_rules:
  - name: warehouse-loading
    # TRANSIENT, UNKNOWN, RESOURCE, AUTH, DATA, OFFSET_LOST or INSTALL.
    class: TRANSIENT
    # One of these is enough; without regard to case; * stands for anything within a line.
    any: ['warehouse * is loading']
    # Beginnings of an SQLSTATE or an HTTP status; a gRPC status such as UNAVAILABLE; error numbers,
    # whoever's they are ([1205]) or beside a system's name ({mysql: [1205], sqlserver: [1205]}).
    sqlstate: []
    http: []
    grpc: []
    codes: []
    # first: before all others. Or as the rules that are built in: firm, plain, weak.
    strength: first
    advice: The nightly load is running; it ends at six.

web:
  # Port 0 takes a free one.
  listen_addresses: [':9783']
  telemetry_path: /metrics
  # The URL by which people reach this process, where a proxy is between: links begin with its path.
  #external_url: https://ops.example/warden/
  # The path that requests arrive under; default the path of external_url, and / where the proxy
  # takes that away.
  #route_prefix: /warden
  # Connections at once, 1 to 100000.
  max_connections: 512
  # TLS, users and headers: the file that exporters of Prometheus share. Left out: none of them, and
  # nothing can be changed over HTTP.
  #config_file: /etc/connect-warden/web.yml
  # Who may change things: users of that file, or client certificates by a name. None: nobody.
  #administrators: [alice, 'cn=ops-client', 'san=ops@example.org']
  # What is open without a password or certificate: nothing, metrics (with health), or read. Default
  # nothing where there are users, else read.
  #anonymous: metrics
"#;

#[cfg(test)]
pub(super) mod tests {
    use super::super::file;
    use super::EXAMPLE;

    #[test]
    fn the_example_is_a_valid_file() {
        let plain = file::parse(EXAMPLE).unwrap();
        assert_eq!(plain.clusters[0].urls.len(), 2);
    }

    /// The example with what is commented out: a `#` without a space after it, or, within such a
    /// part, with two.
    pub(in crate::config) fn all_of_it() -> String {
        let uncomment = |line: &str| {
            let text = line.trim_start();
            let is_key = |rest: &str| !rest.starts_with(' ') || rest.starts_with("  ");
            match text.strip_prefix('#').filter(|rest| is_key(rest)) {
                Some(rest) => format!("{}{rest}\n", &line[..line.len() - text.len()]),
                None => format!("{line}\n"),
            }
        };
        EXAMPLE.lines().map(uncomment).collect()
    }

    #[test]
    fn what_is_commented_out_is_valid_too() {
        let all = all_of_it();
        assert!(!all.lines().any(|line| line.trim_start().starts_with("#p")), "{all}");
        let file = file::parse(&all).unwrap();
        assert!(file.clusters[0].basic_auth.is_some() && file.clusters[0].tls.key_file.is_some());
    }
}
