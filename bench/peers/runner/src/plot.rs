//! Plots as SVG. All colours can be seen on white as on black, since a page may be either.

use std::fmt::Write;

use crate::curves::Curve;
use crate::report::count;

/// What belongs together: values, each at its place.
pub(crate) struct Series<'a, X = &'a str> {
    pub(crate) name: &'a str,
    pub(crate) values: Vec<(X, f64)>,
}

const WIDTH: f64 = 760.0;
const LEFT: f64 = 120.0;
const RIGHT: f64 = 620.0;
const TOP: f64 = 50.0;

/// The height of a plot of lines, and of a row of dots.
const HEIGHT: f64 = 300.0;
const ROW: f64 = 22.0;

const TEXT: &str = "#7d8590";
const COLOURS: [&str; 8] = [
    "#3b82f6", "#e8590c", "#2f9e44", "#ae3ec9", "#d4a017", "#e03131", "#0c8599", "#868e96",
];

/// A line for each series: both axes grow by factors. `None` without values.
pub(crate) fn lines(curve: &Curve, series: &[Series<'_, f64>]) -> Option<String> {
    let bottom = TOP + HEIGHT;
    let axis = Axis::of(series.iter().flat_map(|it| &it.values), bottom, TOP)?;
    let mut image = Image::new(bottom + 60.0, curve.title);
    for decade in axis.decades() {
        let y = axis.at(decade);
        image.line((LEFT, y), (RIGHT, y));
        image.text((LEFT - 8.0, y + 4.0), "end", TEXT, &count(decade));
    }
    image.text((LEFT - 8.0, TOP - 14.0), "end", TEXT, curve.y.1);
    // Places have equal distances: most differ by a factor, and 0 has none.
    let places: Vec<_> = curve.places().map(|(x, _)| x).collect();
    let step = (RIGHT - LEFT) / (places.len().max(2) - 1) as f64;
    for (at, place) in places.iter().enumerate() {
        let x = LEFT + step * at as f64;
        image.text((x, bottom + 20.0), "middle", TEXT, &place_name(*place));
    }
    image.text(
        ((LEFT + RIGHT) / 2.0, bottom + 44.0),
        "middle",
        TEXT,
        curve.x,
    );
    let mut labels = Vec::new();
    for (number, it) in series.iter().enumerate() {
        let colour = colour(number);
        let points = it.values.iter().filter_map(|(place, value)| {
            let at = places.iter().position(|it| it == place)?;
            Some((LEFT + step * at as f64, axis.at(*value)))
        });
        let points: Vec<_> = points.collect();
        image.path(&points, colour);
        points.iter().for_each(|point| image.dot(*point, colour));
        labels.extend(points.last().map(|(x, y)| (*x, *y, it.name, colour)));
    }
    // Names stand where their lines end, apart from each other.
    labels.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut free = TOP;
    for (x, y, name, colour) in labels {
        let y = y.max(free);
        image.text((x + 10.0, y + 4.0), "start", colour, name);
        free = y + 16.0;
    }
    Some(image.end())
}

/// A row for each place, with a dot of each series. `None` without values.
pub(crate) fn dots(title: &str, unit: &str, series: &[Series<'_>]) -> Option<String> {
    let all = || series.iter().flat_map(|it| &it.values);
    let axis = Axis::of(all(), LEFT, RIGHT)?;
    let mut rows: Vec<&str> = Vec::new();
    for (place, _) in all() {
        if !rows.contains(place) {
            rows.push(place);
        }
    }
    let bottom = TOP + ROW * rows.len() as f64;
    let mut image = Image::new(bottom + 50.0, title);
    for decade in axis.decades() {
        let x = axis.at(decade);
        image.line((x, TOP - ROW / 2.0), (x, bottom));
        let label = format!("{} {unit}", count(decade));
        image.text((x, bottom + 18.0), "middle", TEXT, &label);
    }
    for (row, name) in rows.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        image.text((LEFT - 10.0, y + 4.0), "end", TEXT, name);
        for (number, it) in series.iter().enumerate() {
            let values = it.values.iter().filter(|(place, _)| place == name);
            values.for_each(|(_, value)| image.dot((axis.at(*value), y), colour(number)));
        }
    }
    for (number, it) in series.iter().enumerate() {
        let (y, colour) = (TOP + ROW * number as f64, colour(number));
        image.dot((RIGHT + 30.0, y), colour);
        image.text((RIGHT + 40.0, y + 4.0), "start", colour, it.name);
    }
    Some(image.end())
}

fn colour(number: usize) -> &'static str {
    COLOURS[number % COLOURS.len()]
}

/// A place on a curve, as people write it.
fn place_name(place: f64) -> String {
    let powers = [(1 << 20, "Mi"), (1 << 10, "Ki")];
    let whole = place as u64;
    let power = powers
        .into_iter()
        .find(|(power, _)| whole >= *power && whole.is_multiple_of(*power));
    match power {
        Some((power, unit)) => format!("{} {unit}", whole / power),
        None => whole.to_string(),
    }
}

/// An axis on which equal steps are equal factors, in whole decades.
struct Axis {
    decades: (i32, i32),
    ends: (f64, f64),
}

impl Axis {
    fn of<'a, X: 'a>(
        values: impl Iterator<Item = &'a (X, f64)>,
        start: f64,
        end: f64,
    ) -> Option<Self> {
        let values = values
            .map(|(_, value)| value.log10())
            .filter(|it| it.is_finite());
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let decades = (low.floor() as i32, high.ceil() as i32);
        (low <= high).then_some(Self {
            decades: (decades.0, decades.1.max(decades.0 + 1)),
            ends: (start, end),
        })
    }

    fn decades(&self) -> impl Iterator<Item = f64> + use<> {
        (self.decades.0..=self.decades.1).map(|decade| 10_f64.powi(decade))
    }

    fn at(&self, value: f64) -> f64 {
        let (low, high) = (f64::from(self.decades.0), f64::from(self.decades.1));
        let part = (value.log10().max(low) - low) / (high - low);
        self.ends.0 + part * (self.ends.1 - self.ends.0)
    }
}

/// An image that grows by elements.
struct Image(String);

impl Image {
    fn new(height: f64, title: &str) -> Self {
        let mut image = Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"sans-serif\" font-size=\"13\">\n<title>{title}</title>\n"
        ));
        image.element(format_args!(
            "<text x=\"{LEFT}\" y=\"20\" font-size=\"15\" fill=\"{TEXT}\">{title}</text>"
        ));
        image
    }

    fn element(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{element}");
    }

    fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.element(format_args!(
            "<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" stroke=\"{TEXT}\" \
             stroke-opacity=\"0.3\"/>"
        ));
    }

    fn path(&mut self, points: &[(f64, f64)], colour: &str) {
        let points = points.iter().map(|(x, y)| format!("{x:.1},{y:.1} "));
        let points: String = points.collect();
        self.element(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.trim_end()
        ));
    }

    fn dot(&mut self, (x, y): (f64, f64), colour: &str) {
        self.element(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>"
        ));
    }

    fn text(&mut self, (x, y): (f64, f64), anchor: &str, colour: &str, text: &str) {
        self.element(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">\
             {text}</text>"
        ));
    }

    fn end(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}
