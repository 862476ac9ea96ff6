//! Worker versions, and what they can do.

/// The Apache Kafka version of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Such as 4 of `4.3.0`.
    pub major: u32,
    /// Such as 3 of `4.3.0`.
    pub minor: u32,
    /// Such as 0 of `4.3.0`.
    pub patch: u32,
}

impl Version {
    /// Reads `4.3.0`, `0.11.0.3` (the patch is the third part) or `7.9.0-ccs`: Confluent's
    /// numbers run three, later four, majors ahead of Apache's (5.0 is 2.0, 7.9 is 3.9, 8.0 is 4.0).
    pub fn parse(text: &str) -> Option<Self> {
        let (numbers, suffix) = text.split_once('-').unwrap_or((text, ""));
        let mut parts = numbers.split('.').map(|part| part.parse().ok());
        let (major, minor) = (parts.next()??, parts.next()??);
        let patch = parts.next().flatten().unwrap_or(0);
        let confluent = suffix.starts_with("ccs") || suffix.starts_with("ce");
        let (major, minor) = match (confluent, major) {
            (true, 5) => (2, minor),
            (true, 6) => (2, minor + 6),
            (true, 7..) => (major - 4, minor),
            _ => (major, minor),
        };
        Some(Self { major, minor, patch })
    }

    /// Whether it is this version or a later one.
    pub const fn at_least(self, major: u32, minor: u32) -> bool {
        self.major > major || (self.major == major && self.minor >= minor)
    }

    /// `GET /health` (KIP-1017).
    pub const fn has_health(self) -> bool {
        self.at_least(3, 9)
    }

    /// `GET /connectors?expand=` (KIP-465).
    pub const fn knows_expand(self) -> bool {
        self.at_least(2, 3)
    }

    /// `restart?includeTasks=&onlyFailed=` (KIP-745), where it does not start tasks twice: 3.0.0
    /// to 3.0.2 and 3.1.0 do (KAFKA-13719).
    pub const fn restarts_with_tasks(self) -> bool {
        self.at_least(3, 2) || (self.major == 3 && self.minor == 1 && self.patch >= 1)
    }

    /// `PUT /connectors/{name}/stop` and `GET /connectors/{name}/offsets` (KIP-875).
    pub const fn has_stop(self) -> bool {
        self.at_least(3, 5)
    }

    /// `PATCH` and `DELETE /connectors/{name}/offsets` (KIP-875).
    pub const fn alters_offsets(self) -> bool {
        self.at_least(3, 6)
    }

    /// `PATCH /connectors/{name}/config` (KIP-477).
    pub const fn patches_config(self) -> bool {
        self.at_least(3, 8)
    }

    /// `GET /connectors/{name}/topics` (KIP-558).
    pub const fn has_topics(self) -> bool {
        self.at_least(2, 5)
    }

    /// `/admin/loggers` (KIP-495).
    pub const fn has_loggers(self) -> bool {
        self.at_least(2, 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apache_and_vendor_versions() {
        let version = |text| Version::parse(text).map(|v| (v.major, v.minor, v.patch));
        assert_eq!(version("4.3.0"), Some((4, 3, 0)));
        assert_eq!(version("0.11.0.3"), Some((0, 11, 0)));
        assert_eq!(version("7.9.0-ccs"), Some((3, 9, 0)));
        assert_eq!(version("6.2.1-ce"), Some((2, 8, 1)));
        assert_eq!(version("5.5.0-ccs"), Some((2, 5, 0)));
        assert_eq!(version("4.4.0-SNAPSHOT"), Some((4, 4, 0)));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn versions_that_start_tasks_twice_are_known() {
        let safe = |text| Version::parse(text).unwrap().restarts_with_tasks();
        assert!(!safe("2.8.2") && !safe("3.0.2") && !safe("3.1.0"));
        assert!(safe("3.1.1") && safe("3.2.0") && safe("4.0.0"));
    }
}
