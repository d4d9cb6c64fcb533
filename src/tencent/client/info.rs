//! What is kept of the service's free text, and of a fault's.

/// Most that is kept, in bytes: `ErrorInfo` is of any length, and goes into ledger and report.
const MAX_BYTES: usize = 4096;

/// Takes the UserSig out of a text and cuts it. `ErrorInfo` may echo the request (spec section 3), whose URL holds the
/// UserSig, with or without its `*` encoded.
pub(super) fn presentable(mut info: String, usersig: &str) -> Box<str> {
    if !info.is_empty() && !usersig.is_empty() {
        for echo in [
            usersig.to_owned(),
            usersig.replace('*', "%2A"),
            usersig.replace('*', "%2a"),
        ] {
            if info.contains(&echo) {
                info = info.replace(&echo, "[redacted]");
            }
        }
    }
    info = without_pieces(info, usersig);
    if info.len() > MAX_BYTES {
        let cut = (0..=MAX_BYTES).rfind(|&at| info.is_char_boundary(at));
        info.truncate(cut.unwrap_or(0));
    }
    info.into_boxed_str()
}

/// Shorter than this, an echoed piece of a UserSig tells nothing worth having.
const PIECE: usize = 20;

/// Takes out every word that holds a piece of the UserSig: an echo may be cut at either end.
fn without_pieces(info: String, usersig: &str) -> String {
    let is_piece = |word: &str| {
        let windows = word.as_bytes().windows(PIECE);
        windows
            .filter_map(|window| std::str::from_utf8(window).ok())
            .any(|window| usersig.contains(window))
    };
    let of_a_usersig = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '-' | '_');
    let pieces: Vec<String> = info
        .split(|c| !of_a_usersig(c))
        .filter(|word| word.len() >= PIECE && is_piece(word))
        .map(str::to_owned)
        .collect();
    pieces.iter().fold(info, |info, piece| {
        info.replace(piece.as_str(), "[redacted]")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERSIG: &str =
        "eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwokpuZl5*mcUlRYkl*UVQBcUp2YkFBZkpSlaGJgZQAJFJrSjI";

    #[test]
    fn an_echo_of_the_usersig_is_redacted() {
        for echo in [
            USERSIG.to_owned(),
            USERSIG.replace('*', "%2A"),
            USERSIG.replace('*', "%2a"),
        ] {
            let info = format!("bad url /v4?usersig={echo}&random=1, I said {echo}");
            assert_eq!(
                &*presentable(info, USERSIG),
                "bad url /v4?usersig=[redacted]&random=1, I said [redacted]"
            );
        }
    }

    #[test]
    fn a_piece_of_the_usersig_is_redacted_too() {
        for piece in [&USERSIG[..60], &USERSIG[30..], &USERSIG[10..30]] {
            let info = format!("cut short: usersig={piece} (60 of 95)");
            let shown = presentable(info, USERSIG);
            assert_eq!(&*shown, "cut short: usersig=[redacted] (60 of 95)");
        }
        let other = "the group AbCdEfGhIjKlMnOpQrStUvWxYz0123456789 is gone";
        assert_eq!(&*presentable(other.to_owned(), USERSIG), other);
    }

    #[test]
    fn the_cut_leaves_no_part_of_the_usersig_behind() {
        let info = format!("{}{USERSIG}", "x".repeat(MAX_BYTES - 40));
        assert!(!presentable(info, USERSIG).contains("eJ"));
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        for (length, kept) in [(1365, 4095), (1366, 4095), (100_000, 4095), (1, 3)] {
            let info = "群".repeat(length);
            assert_eq!(presentable(info, USERSIG).len(), kept);
        }
        assert_eq!(&*presentable("as it is".to_owned(), ""), "as it is");
    }
}
