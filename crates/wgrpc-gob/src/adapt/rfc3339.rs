//! Times as text, the way Go writes them: `2024-02-29T12:34:56.789+05:30`.

use std::fmt;

use super::time::Time;

/// The days from 0000-03-01, where a year that ends with its leap day is taken to begin, to
/// 1970-01-01.
const EPOCH: i64 = 719_468;
const DAYS_IN_400_YEARS: i64 = 146_097;
const SECONDS_IN_DAY: i64 = 86_400;

/// Writes `time` as it is on the clocks of its zone. Go's text format ends with the year 9999 and
/// has whole minutes only for the zone.
pub(super) fn write(time: &Time, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let offset = i64::from(time.offset.unwrap_or(0)) / 60 * 60;
    let local = time.seconds.saturating_add(offset);
    let (days, second) = (
        local.div_euclid(SECONDS_IN_DAY),
        local.rem_euclid(SECONDS_IN_DAY),
    );
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    write!(
        f,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    )?;
    if time.nanoseconds > 0 {
        let fraction = format!("{:09}", time.nanoseconds);
        write!(f, ".{}", fraction.trim_end_matches('0'))?;
    }
    match time.offset {
        None => f.write_str("Z"),
        Some(_) => {
            let sign = if offset < 0 { '-' } else { '+' };
            let minutes = offset.abs() / 60;
            write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
    }
}

/// The year of `time` in its zone.
pub(super) fn year(time: &Time) -> i64 {
    let local = time.seconds.saturating_add(time.offset.unwrap_or(0).into());
    date(local.div_euclid(SECONDS_IN_DAY)).0
}

/// Reads what [`write`] writes.
pub(super) fn parse(text: &str) -> Option<Time> {
    let mut rest = Rest(text);
    let year = rest.number(4)?;
    let month = rest
        .after('-')?
        .number(2)
        .filter(|month| (1..=12).contains(month))?;
    let day = rest.after('-')?.number(2)?;
    let hour = rest.after('T')?.number(2).filter(|&hour| hour < 24)?;
    let minute = rest.after(':')?.number(2).filter(|&minute| minute < 60)?;
    let second = rest.after(':')?.number(2).filter(|&second| second < 60)?;
    let nanoseconds = match rest.after('.') {
        Some(rest) => rest.fraction()?,
        None => 0,
    };
    let offset = match rest.0 {
        "Z" => None,
        _ => Some(rest.zone()?),
    };
    let days = days(year, month, day);
    // A day that the month does not have is one of the next.
    if date(days) != (year, month, day) {
        return None;
    }
    let local = days * SECONDS_IN_DAY + hour * 3600 + minute * 60 + second;
    Some(Time {
        seconds: local - i64::from(offset.unwrap_or(0)),
        nanoseconds,
        offset,
    })
}

/// The date that is this many days after 1970-01-01: year, month and day, counted from 1.
///
/// With years that begin in March the leap day is the last of its year, so that every 400, 100, 4
/// years and every year begin alike, and the lengths of the months follow a straight line.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(EPOCH);
    let (era, day) = (
        days.div_euclid(DAYS_IN_400_YEARS),
        days.rem_euclid(DAYS_IN_400_YEARS),
    );
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next, month, day)
}

/// The reverse of [`date`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * DAYS_IN_400_YEARS + year * 365 + year / 4 - year / 100 + day_of_year - EPOCH
}

/// What is left to read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// The number that the next `digits` digits make.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| number.parse().ok())?
    }

    /// What comes after `separator`, if that is next.
    fn after(&mut self, separator: char) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(separator)?;
        Some(self)
    }

    /// The digits after the decimal point, as nanoseconds.
    fn fraction(&mut self) -> Option<u32> {
        let end = self.0.find(|c: char| !c.is_ascii_digit())?;
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        // What is finer than a nanosecond is dropped, as in Go.
        let nanoseconds = digits.bytes().chain([b'0'; 9]).take(9);
        (end > 0).then(|| nanoseconds.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0')))
    }

    /// An offset in seconds, which ends the text.
    fn zone(&mut self) -> Option<i32> {
        let sign = match self.0.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        self.0 = &self.0[1..];
        let hours = self.number(2).filter(|&hours| hours < 24)?;
        let minutes = self.after(':')?.number(2).filter(|&minutes| minutes < 60)?;
        let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
        self.0.is_empty().then_some(sign * seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_has_one_date() {
        let mut last = date(-800_000);
        for day in -799_999..3_000_000 {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
            assert!((year, month, of_month) > last, "{day}");
            assert!((1..=12).contains(&month) && (1..=31).contains(&of_month));
            last = (year, month, of_month);
        }
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(-719_162), (1, 1, 1));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2024-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:60Z",
            "2024-01-01 00:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00z",
            "2024-01-01T00:00:00+0000",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00+00:00 ",
            "+024-01-01T00:00:00Z",
            "20é4-01-01T00:00:00Z",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
