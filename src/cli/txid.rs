//! Owns `--txid`: which of the two states that a file's meta pages name is read.

use std::str::FromStr;

/// A state by its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Txid {
    /// The state before the current one
    Previous,
    /// The state that this transaction left
    Number(u64),
}

impl FromStr for Txid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "previous" => Ok(Txid::Previous),
            _ => super::number::decimal(text).map(Txid::Number).map_err(|_| "neither a number nor `previous`".to_string()),
        }
    }
}

/// The state to read.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct TxidArg {
    /// Read the state of this transaction, or the `previous` one, where a meta page still names it.
    /// It cannot be proved that an older state is whole or was ever committed
    #[arg(long, value_name = "N|previous")]
    pub txid: Option<Txid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_named_by_number_or_as_the_previous_one() {
        assert_eq!("previous".parse(), Ok(Txid::Previous));
        assert_eq!("60".parse(), Ok(Txid::Number(60)));
        assert!("last".parse::<Txid>().is_err());
        assert!("-1".parse::<Txid>().is_err());
    }
}
