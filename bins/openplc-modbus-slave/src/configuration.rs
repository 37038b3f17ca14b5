//! `modbus_slave.json`, as the Editor writes it. Every key is optional; keys that are not known here are ignored.

use std::num::NonZeroU16;

use openplc_modbus::WordOrder;
use openplc_text::{excerpt, is_visible};
use serde::Deserialize;
use thiserror::Error;

/// Where it listens when the file does not say. It is not 0, which is checked when this is compiled.
const PORT: NonZeroU16 = NonZeroU16::new(502).unwrap();

/// Largest file, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// Longest text of a stranger that is shown, in characters.
const MAX_TEXT: usize = 300;
/// Longest name of a computer, in bytes.
const MAX_HOST: usize = 255;

/// What is wrong with the file: the key, with those around it, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("modbus_slave.json cannot be used: {key}: {why}")]
pub struct ConfigurationError {
    key: String,
    why: String,
}

impl ConfigurationError {
    fn new(key: impl AsRef<str>, why: impl AsRef<str>) -> Self {
        Self {
            key: excerpt(key.as_ref(), MAX_TEXT),
            why: excerpt(why.as_ref(), MAX_TEXT),
        }
    }
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// Where the server listens: a name or an address ...
    pub host: String,
    /// ... and the TCP port.
    pub port: u16,
    /// How many values of each table are shown.
    pub counts: Counts,
    /// Order of the registers of `%MD` and `%ML`.
    pub word_order: WordOrder,
}

/// How many values of each table are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// `%QW`, the first holding registers.
    pub output_words: u32,
    /// `%MW`, after them.
    pub memory_words: u32,
    /// `%MD`, two registers each.
    pub memory_doubles: u32,
    /// `%ML`, four registers each.
    pub memory_longs: u32,
    /// `%QX`, the first coils.
    pub output_bits: u32,
    /// `%MX`, after them.
    pub memory_bits: u32,
    /// `%IX`, the discrete inputs.
    pub input_bits: u32,
    /// `%IW`, the input registers.
    pub input_words: u32,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            output_words: 1024,
            memory_words: 1024,
            memory_doubles: 1024,
            memory_longs: 1024,
            output_bits: 8192,
            memory_bits: 0,
            input_bits: 8192,
            input_words: 1024,
        }
    }
}

impl Configuration {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// [`ConfigurationError`].
    pub fn parse(text: &str) -> Result<Self, ConfigurationError> {
        if text.len() > MAX_BYTES {
            let why = format!(
                "it has {} bytes, and {MAX_BYTES} are the most that are read",
                text.len()
            );
            return Err(ConfigurationError::new(".", why));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let read = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| ConfigurationError::new(error.path().to_string(), error.inner().to_string()));
        let File {
            network_configuration: Network { host, port },
            buffer_mapping: mapping,
            word_order,
        } = read?;
        let visible = |character| is_visible(character) && character != ' ';
        if host.len() > MAX_HOST || !host.chars().all(visible) {
            let why = "must be the name or an address of this computer";
            return Err(ConfigurationError::new("network_configuration.host", why));
        }
        // It has been seen in both places.
        let word_order = mapping
            .word_order
            .or(word_order)
            .map_or_else(WordOrder::default, Into::into);
        Ok(Self {
            host,
            port: port.get(),
            counts: mapping.counts(),
            word_order,
        })
    }
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    network_configuration: Network,
    #[serde(default)]
    buffer_mapping: Mapping,
    word_order: Option<Order>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Network {
    host: String,
    port: NonZeroU16,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            host: "0.0.0.0".into(),
            port: PORT,
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
enum Order {
    #[serde(rename = "high_word_first")]
    HighWordFirst,
    #[serde(rename = "low_word_first")]
    LowWordFirst,
}

impl From<Order> for WordOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::HighWordFirst => Self::HighFirst,
            Order::LowWordFirst => Self::LowFirst,
        }
    }
}

#[derive(Deserialize, Default)]
struct Mapping {
    holding_registers: Option<HoldingRegisters>,
    #[serde(default)]
    coils: Coils,
    #[serde(default)]
    discrete_inputs: DiscreteInputs,
    #[serde(default)]
    input_registers: InputRegisters,
    word_order: Option<Order>,
    // Older files have one number for each kind, and show no memory.
    max_holding_registers: Option<u32>,
    max_coils: Option<u32>,
    max_discrete_inputs: Option<u32>,
    max_input_registers: Option<u32>,
}

#[derive(Deserialize, Default)]
struct HoldingRegisters {
    qw_count: Option<u32>,
    mw_count: Option<u32>,
    md_count: Option<u32>,
    ml_count: Option<u32>,
}

#[derive(Deserialize, Default)]
struct Coils {
    qx_bits: Option<u32>,
    mx_bits: Option<u32>,
}

#[derive(Deserialize, Default)]
struct DiscreteInputs {
    ix_bits: Option<u32>,
}

#[derive(Deserialize, Default)]
struct InputRegisters {
    iw_count: Option<u32>,
}

impl Mapping {
    fn counts(&self) -> Counts {
        let default = match (&self.holding_registers, self.max_holding_registers) {
            (None, Some(output_words)) => Counts {
                output_words,
                memory_words: 0,
                memory_doubles: 0,
                memory_longs: 0,
                ..Counts::default()
            },
            _ => Counts::default(),
        };
        let none = HoldingRegisters::default();
        let holding = self.holding_registers.as_ref().unwrap_or(&none);
        let first =
            |values: [Option<u32>; 2], default| values.into_iter().flatten().next().unwrap_or(default);
        Counts {
            output_words: holding.qw_count.unwrap_or(default.output_words),
            memory_words: holding.mw_count.unwrap_or(default.memory_words),
            memory_doubles: holding.md_count.unwrap_or(default.memory_doubles),
            memory_longs: holding.ml_count.unwrap_or(default.memory_longs),
            output_bits: first([self.coils.qx_bits, self.max_coils], default.output_bits),
            memory_bits: self.coils.mx_bits.unwrap_or(default.memory_bits),
            input_bits: first(
                [self.discrete_inputs.ix_bits, self.max_discrete_inputs],
                default.input_bits,
            ),
            input_words: first(
                [self.input_registers.iw_count, self.max_input_registers],
                default.input_words,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_said_has_the_defaults_of_the_editor() {
        let configuration = Configuration::parse("{}").unwrap();
        assert_eq!(
            (configuration.host.as_str(), configuration.port),
            ("0.0.0.0", 502)
        );
        assert_eq!(configuration.counts, Counts::default());
        assert_eq!(configuration.word_order, WordOrder::HighFirst);
    }

    #[test]
    fn every_key_counts() {
        let configuration = Configuration::parse(
            r#"{"network_configuration":{"host":"::1","port":5020,"name":"x"},"word_order":"low_word_first",
                "buffer_mapping":{"holding_registers":{"qw_count":1,"mw_count":2,"md_count":3,"ml_count":4000},
                "coils":{"qx_bits":5,"mx_bits":6},"discrete_inputs":{"ix_bits":7},"input_registers":{"iw_count":8}}}"#,
        )
        .unwrap();
        assert_eq!((configuration.host.as_str(), configuration.port), ("::1", 5020));
        assert_eq!(configuration.word_order, WordOrder::LowFirst);
        let expected = Counts {
            output_words: 1,
            memory_words: 2,
            memory_doubles: 3,
            memory_longs: 4000,
            output_bits: 5,
            memory_bits: 6,
            input_bits: 7,
            input_words: 8,
        };
        assert_eq!(configuration.counts, expected);
    }

    #[test]
    fn older_files_show_no_memory() {
        let counts = |mapping: &str| {
            let text = format!(r#"{{"buffer_mapping":{mapping}}}"#);
            Configuration::parse(&text).unwrap().counts
        };
        let old = counts(
            r#"{"max_coils":16,"max_discrete_inputs":24,"max_holding_registers":3,"max_input_registers":4}"#,
        );
        let expected = Counts {
            output_words: 3,
            memory_words: 0,
            memory_doubles: 0,
            memory_longs: 0,
            output_bits: 16,
            memory_bits: 0,
            input_bits: 24,
            input_words: 4,
        };
        assert_eq!(old, expected);
        let both = counts(r#"{"max_holding_registers":3,"holding_registers":{"qw_count":9}}"#);
        assert_eq!((both.output_words, both.memory_words), (9, 1024));
    }

    #[test]
    fn a_mistake_names_its_key() {
        for (text, said) in [
            ("", "EOF"),
            ("[]", "expected struct"),
            (
                r#"{"network_configuration":{"port":"502"}}"#,
                "network_configuration.port",
            ),
            (
                r#"{"network_configuration":{"port":0}}"#,
                "network_configuration.port",
            ),
            (
                r#"{"network_configuration":{"port":70000}}"#,
                "network_configuration.port",
            ),
            (
                r#"{"buffer_mapping":{"coils":{"qx_bits":-1}}}"#,
                "buffer_mapping.coils.qx_bits",
            ),
            (
                "{\"network_configuration\":{\"host\":\"::1\u{202e}\"}}",
                "network_configuration.host",
            ),
            (r#"{"word_order":"both"}"#, "word_order"),
            (&" ".repeat(MAX_BYTES + 1), "1048577 bytes"),
        ] {
            let error = Configuration::parse(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        let long = format!(r#"{{"word_order":"{}"}}"#, "\\u001b[2J".repeat(10_000));
        let error = Configuration::parse(&long).unwrap_err().to_string();
        assert!(error.len() < 1000 && error.chars().all(is_visible), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in r#"[{}\[\]":,a-z_0-9.-]{0,60}"#) {
            let _ = Configuration::parse(&text);
        }
    }
}
