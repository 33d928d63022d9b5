//! Bytes of a script: short to write down, however long they are.

use std::fmt;

use super::random::Random;

/// Bytes, as parts that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recipe(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Text(Vec<u8>),
    Noise { len: usize, seed: u64 },
    Same { len: usize, byte: u8 },
}

impl Recipe {
    pub fn text(text: impl AsRef<[u8]>) -> Recipe {
        Recipe(vec![Part::Text(text.as_ref().to_vec())])
    }

    /// This many bytes that look random.
    pub fn noise(len: usize, seed: u64) -> Recipe {
        Recipe(vec![Part::Noise { len, seed }])
    }

    /// This many times the same byte.
    pub fn same(len: usize, byte: u8) -> Recipe {
        Recipe(vec![Part::Same { len, byte }])
    }

    pub fn then(mut self, more: Recipe) -> Recipe {
        self.0.extend(more.0);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => bytes.extend_from_slice(text),
                Part::Noise { len, seed } => append_noise(&mut bytes, *len, *seed),
                Part::Same { len, byte } => bytes.resize(bytes.len() + len, *byte),
            }
        }
        bytes
    }

    pub fn parse(word: &str) -> Option<Recipe> {
        word.split('+').map(Part::parse).collect::<Option<_>>().map(Recipe)
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, part) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("+")?;
            }
            match part {
                Part::Text(text) => escape(text, f)?,
                Part::Noise { len, seed } => write!(f, "{len}:{seed}")?,
                Part::Same { len, byte } => write!(f, "{len}*{byte:02x}")?,
            }
        }
        Ok(())
    }
}

impl Part {
    fn parse(text: &str) -> Option<Part> {
        if let Some((len, seed)) = text.split_once(':') {
            return Some(Part::Noise { len: len.parse().ok()?, seed: seed.parse().ok()? });
        }
        if let Some((len, byte)) = text.split_once('*') {
            return Some(Part::Same { len: len.parse().ok()?, byte: u8::from_str_radix(byte, 16).ok()? });
        }
        let mut bytes = Vec::new();
        let mut rest = text;
        while let Some((plain, escaped)) = rest.split_once('%') {
            bytes.extend_from_slice(plain.as_bytes());
            let (digits, after) = escaped.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        }
        bytes.extend_from_slice(rest.as_bytes());
        Some(Part::Text(bytes))
    }
}

/// Letters, digits, `_` and `-` as they are, everything else as `%XX`.
pub fn escape(bytes: &[u8], f: &mut impl fmt::Write) -> fmt::Result {
    bytes.iter().try_for_each(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => f.write_char(char::from(*byte)),
        _ => write!(f, "%{byte:02x}"),
    })
}

/// The words of SplitMix64, little-endian, the last one cut.
fn append_noise(to: &mut Vec<u8>, len: usize, seed: u64) {
    let end = to.len() + len;
    let mut words = Random::new(seed);
    while to.len() < end {
        to.extend_from_slice(&words.next().to_le_bytes());
    }
    to.truncate(end);
}
