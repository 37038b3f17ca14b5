//! Elementary types of IEC 61131-3 and their size in a debug frame.

use std::fmt;

macro_rules! iec_types {
    ($($variant:ident $name:literal $size:literal,)*) => {
        /// An elementary type.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the standard's own names")]
        pub enum IecType {
            $($variant,)*
        }

        impl IecType {
            /// The type of this name, in upper case.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Bytes of a value in an answer.
            #[must_use]
            pub fn size(self) -> usize {
                match self {
                    $(Self::$variant => $size,)*
                }
            }
        }
    };
}

iec_types! {
    Bool "BOOL" 1,
    Sint "SINT" 1,
    Int "INT" 2,
    Dint "DINT" 4,
    Lint "LINT" 8,
    Usint "USINT" 1,
    Uint "UINT" 2,
    Udint "UDINT" 4,
    Ulint "ULINT" 8,
    Byte "BYTE" 1,
    Word "WORD" 2,
    Dword "DWORD" 4,
    Lword "LWORD" 8,
    Real "REAL" 4,
    Lreal "LREAL" 8,
    Time "TIME" 8,
    Date "DATE" 8,
    Tod "TOD" 8,
    Dt "DT" 8,
    String "STRING" 127,
    Wstring "WSTRING" 253,
}

impl IecType {
    /// Least and greatest value of an integer or bit string type.
    #[must_use]
    pub fn range(self) -> Option<(i128, i128)> {
        let bits = 8 * u32::try_from(self.size()).unwrap_or(0);
        match self {
            Self::Sint | Self::Int | Self::Dint | Self::Lint => {
                Some((-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1))
            }
            Self::Usint | Self::Uint | Self::Udint | Self::Ulint => Some((0, (1_i128 << bits) - 1)),
            Self::Byte | Self::Word | Self::Dword | Self::Lword => Some((0, (1_i128 << bits) - 1)),
            _ => None,
        }
    }
}

impl fmt::Display for IecType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
