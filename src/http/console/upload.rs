//! Forms with files: `multipart/form-data` (RFC 7578), and the text a file holds.
//!
//! A form is read whole before it is taken apart, since it is small and its token is judged first. A library would read it
//! as a stream, asynchronously, and bring temporary files.

/// A part of such a form.
#[derive(Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The name of the field.
    pub name: String,
    /// What was put into it.
    pub content: &'a [u8],
}

/// The boundary of a content type, if it is of this kind of form (RFC 2046 §5.1.1).
pub fn boundary(content_type: &str) -> Option<&str> {
    let mut parameters = content_type.split(';').map(str::trim);
    if !parameters.next()?.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut named = parameters.filter_map(|parameter| parameter.split_once('='));
    let (_, value) = named.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let value = value.trim_matches('"');
    (1..=70).contains(&value.len()).then_some(value)
}

/// The parts of a body; `None` if it does not keep to the form.
pub fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<Part<'a>>> {
    let delimiter = format!("--{boundary}");
    let mut rest = body.strip_prefix(delimiter.as_bytes())?;
    let between = format!("\r\n{delimiter}");
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let end = find(rest, between.as_bytes())?;
        let (part, after) = rest.split_at_checked(end)?;
        let head = find(part, b"\r\n\r\n")?;
        let (head, content) = part.split_at_checked(head)?;
        parts.push(Part { name: name(std::str::from_utf8(head).ok()?)?, content: content.strip_prefix(b"\r\n\r\n")? });
        rest = after.strip_prefix(between.as_bytes())?;
    }
}

fn find(text: &[u8], sought: &[u8]) -> Option<usize> {
    text.windows(sought.len()).position(|window| window == sought)
}

/// The name in the header `Content-Disposition` of a part.
fn name(head: &str) -> Option<String> {
    let mut headers = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let (_, value) = headers.find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))?;
    let (_, rest) = value.split_once("; name=\"").or_else(|| value.split_once(";name=\""))?;
    rest.split_once('"').map(|(name, _)| name.to_owned())
}

/// The text of a file: UTF-8, or UTF-16 where it says so by its first bytes, as spreadsheets write it.
pub fn text(content: &[u8]) -> Option<String> {
    let units = |bytes: &[u8], read: fn([u8; 2]) -> u16| -> Option<String> {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().copied().map(read).collect();
        rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
    };
    match content {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        all => String::from_utf8(all.to_vec()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "--x1\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nabc\r\n--x1\r\n\
                        Content-Disposition: form-data; name=\"file\"; filename=\"a;b.csv\"\r\nContent-Type: text/csv\r\n\r\n\
                        a\r\nb\r\n--x1--\r\n";

    #[test]
    fn fields_and_files_are_taken_apart() {
        let parts = parts(BODY.as_bytes(), "x1").unwrap();
        let found: Vec<(&str, &[u8])> = parts.iter().map(|part| (part.name.as_str(), part.content)).collect();
        assert_eq!(found, [("token", b"abc".as_slice()), ("file", b"a\r\nb".as_slice())]);
    }

    #[test]
    fn what_is_cut_short_anywhere_is_no_form() {
        let whole = BODY.len() - "\r\n--x1--\r\n".len();
        for end in 0..whole {
            assert_eq!(parts(BODY.as_bytes().get(..end).unwrap(), "x1"), None, "{end}");
        }
    }

    #[test]
    fn the_boundary_is_read_from_the_content_type() {
        assert_eq!(boundary("multipart/form-data; boundary=----abc"), Some("----abc"));
        assert_eq!(boundary("Multipart/Form-Data; charset=x; Boundary=\"a b\""), Some("a b"));
        for wrong in ["", "text/plain; boundary=x", "multipart/form-data", "multipart/form-data; boundary="] {
            assert_eq!(boundary(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn spreadsheets_are_read_in_their_encodings() {
        assert_eq!(text(b"\xef\xbb\xbfana").unwrap(), "ana");
        assert_eq!(text(b"\xff\xfea\0n\0").unwrap(), "an");
        assert_eq!(text(b"\xfe\xff\0a\0n").unwrap(), "an");
        assert_eq!(text("für".as_bytes()).unwrap(), "für");
        assert!(text(b"\xff\xfea").is_none() && text(b"f\xfcr").is_none());
    }
}
