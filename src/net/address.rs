//! Addresses as Go writes them: with the length of their network, or alone; and the subnets that they are in.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// What Go's formatter makes of an address that is not there.
pub const NIL: &str = "<nil>";

/// An address and the length of its network's prefix: `10.77.0.1/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// An address in a network whose prefix has this many bits; `None` where that is more than an address has.
    ///
    /// ```
    /// use unbolt::net::Cidr;
    /// let bridge = Cidr::new([10, 77, 0, 1].into(), 24).expect("24 bits of 32");
    /// assert_eq!(bridge.to_string(), "10.77.0.1/24");
    /// assert_eq!(bridge.subnet().to_string(), "10.77.0.0/24");
    /// assert!(bridge.overlaps("10.77.0.128/25".parse()?));
    /// # Ok::<(), unbolt::net::NotAnAddress>(())
    /// ```
    pub fn new(address: IpAddr, prefix: u8) -> Option<Cidr> {
        (prefix <= bits(address)).then_some(Cidr { address, prefix })
    }

    /// The address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// How many bits the network's prefix has.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether it is one of IPv6.
    pub fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }

    /// The network: the address with all bits behind the prefix cleared.
    pub fn subnet(self) -> Cidr {
        Cidr { address: self.first(), prefix: self.prefix }
    }

    /// The first address of the network.
    pub fn first(self) -> IpAddr {
        from_number(self.address, number(self.address) & self.mask())
    }

    /// The last address of the network.
    pub fn last(self) -> IpAddr {
        from_number(self.address, number(self.address) | (all(self.address) & !self.mask()))
    }

    /// The address this many after the first, if the network has it.
    pub fn nth(self, n: u64) -> Option<IpAddr> {
        let number = number(self.first()).checked_add(u128::from(n))?;
        let address = from_number(self.address, number & all(self.address));
        (number <= all(self.address) && self.contains(address)).then_some(address)
    }

    /// Whether an address is in the network.
    pub fn contains(self, address: IpAddr) -> bool {
        self.is_ipv6() == address.is_ipv6() && number(address) & self.mask() == number(self.first())
    }

    /// Whether two networks have an address in common.
    pub fn overlaps(self, other: Cidr) -> bool {
        self.contains(other.first()) || other.contains(self.first())
    }

    fn mask(self) -> u128 {
        let free = u32::from(bits(self.address).saturating_sub(self.prefix));
        all(self.address) & u128::MAX.checked_shl(free).unwrap_or(0)
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv6() { 128 } else { 32 }
}

fn all(address: IpAddr) -> u128 {
    if address.is_ipv6() { u128::MAX } else { u128::from(u32::MAX) }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// An address of the same family.
fn from_number(family: IpAddr, number: u128) -> IpAddr {
    match (family, u32::try_from(number)) {
        (IpAddr::V4(_), Ok(number)) => IpAddr::V4(number.into()),
        _ => IpAddr::V6(number.into()),
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.address, self.prefix))
    }
}

/// A text is no address with the length of a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address with the length of its network's prefix, such as 10.77.0.1/24")]
pub struct NotAnAddress;

impl FromStr for Cidr {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Cidr, NotAnAddress> {
        let (address, prefix) = text.split_once('/').ok_or(NotAnAddress)?;
        let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse().ok().filter(|_| digits).ok_or(NotAnAddress)?;
        Cidr::new(address.parse().map_err(|_| NotAnAddress)?, prefix).ok_or(NotAnAddress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_have_a_first_and_a_last_address_at_every_length() {
        for (text, first, last) in [
            ("10.77.3.9/16", "10.77.0.0", "10.77.255.255"),
            ("10.77.3.9/32", "10.77.3.9", "10.77.3.9"),
            ("10.77.3.9/0", "0.0.0.0", "255.255.255.255"),
            ("fd00:77::9/64", "fd00:77::", "fd00:77::ffff:ffff:ffff:ffff"),
            ("::1/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("::1/128", "::1", "::1"),
        ] {
            assert_eq!((cidr(text).first().to_string(), cidr(text).last().to_string()), (first.into(), last.into()), "{text}");
        }
    }

    #[test]
    fn addresses_are_counted_from_the_first_and_end_with_the_last() {
        assert_eq!(cidr("10.0.0.7/30").nth(3).unwrap().to_string(), "10.0.0.7");
        assert_eq!(cidr("10.0.0.7/30").nth(4), None);
        assert_eq!(cidr("255.255.255.255/32").nth(1), None);
        assert_eq!(cidr("ffff::/0").nth(u64::MAX).unwrap().to_string(), "::ffff:ffff:ffff:ffff");
    }

    #[test]
    fn networks_overlap_where_one_is_in_the_other() {
        assert!(cidr("10.0.0.0/8").overlaps(cidr("10.9.0.0/16")) && cidr("10.9.0.0/16").overlaps(cidr("10.0.0.0/8")));
        assert!(!cidr("10.0.0.0/16").overlaps(cidr("10.1.0.0/16")));
        assert!(!cidr("0.0.0.0/0").overlaps(cidr("::/0")));
    }

    #[test]
    fn what_is_no_address_with_a_length_is_refused() {
        for text in ["", "10.0.0.1", "10.0.0.1/33", "10.0.0.1/", "10.0.0.1/+8", "10.0.0/8", "::/129", "::1/-1", "<nil>", "a/8"]
        {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }
}
