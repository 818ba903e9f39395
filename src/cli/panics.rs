//! What a panic prints: where it was, and what it said only if that was written into the program. A text that was put
//! together may hold a piece of an export.

use std::any::Any;
use std::panic::PanicHookInfo;

/// Has every panic of this process print no more than that.
pub(super) fn hush() {
    std::panic::set_hook(Box::new(|info| eprintln!("{}", told(info))));
}

fn told(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(String::new, |place| format!(" at {place}"));
    format!("a step broke down{place}{}", said(info.payload()))
}

fn said(payload: &(dyn Any + Send)) -> String {
    payload.downcast_ref::<&'static str>().map_or_else(String::new, |text| format!(": {text}"))
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn only_what_stands_in_the_program_is_said() {
        let value = String::from("Ann");
        let of = |step: fn(&str)| {
            let (before, value) = (std::panic::take_hook(), value.clone());
            std::panic::set_hook(Box::new(|_| {}));
            let payload = std::panic::catch_unwind(|| step(&value)).unwrap_err();
            std::panic::set_hook(before);
            said(&*payload)
        };
        assert_eq!(of(|_| panic!("a plain text")), ": a plain text");
        assert_eq!(of(|value| panic!("{value} is nobody")), "");
        assert_eq!(of(|value| assert!(value.is_empty(), "{value}")), "");
    }
}
