//! What binds, as a point of the interior sees it.

use super::face::{Face, Post, Seat};
use super::interior::Interior;
use super::kink::Kink;
use super::statement::Statement;

impl Face {
    /// The guess that a distance is zero where its multiplier is the larger of the two, each in its units.
    pub(super) fn guessed(statement: &Statement, interior: &Interior<'_>) -> Self {
        let n = statement.n();
        let size = interior.x.iter().map(|x| x.abs()).sum::<f64>() / n as f64;
        let unit = size.max(f64::MIN_POSITIVE) / interior.pull;
        let closed = |distance: f64, price: f64| distance < unit * price;
        let mut x = interior.x.clone();
        let mut seats = vec![Seat::Free(0); n];
        for (i, [bought, sold]) in interior.trades.standing() {
            seats[i] = if closed(bought.0, bought.1) && closed(sold.0, sold.1) {
                x[i] = statement.trade.as_ref().map_or(x[i], |trade| trade.current[i]);
                Seat::Held
            } else {
                Seat::Free(if bought.0 > sold.0 { 1 } else { -1 })
            };
        }
        for i in 0..n {
            let (low, high) = (interior.lower.room[i], interior.upper.room[i]);
            if low <= high && closed(low, interior.lower.price[i]) {
                (x[i], seats[i]) = (statement.lower[i], Seat::Held);
            } else if closed(high, interior.upper.price[i]) {
                (x[i], seats[i]) = (statement.upper[i], Seat::Held);
            }
            x[i] = x[i].max(statement.lower[i]).min(statement.upper[i]);
        }
        let mut posts = vec![Post::Off; statement.n_rows() + 2];
        for kink in &interior.kinks {
            let post = post_of(kink, unit);
            if post != Post::Off {
                posts[kink.row] = post;
            }
        }
        Self { seats, posts, x, y: interior.multipliers() }
    }
}

fn post_of(kink: &Kink, unit: f64) -> Post {
    let above = kink.has_above() && kink.above > unit * (kink.y - kink.least);
    let below = kink.has_below() && kink.below > unit * (kink.most - kink.y);
    let under = kink.most > 0.0;
    match (above, below) {
        (true, false) if kink.least < 0.0 => Post::Over,
        (false, true) if under => Post::Under,
        (true, false) | (false, true) => Post::Off,
        _ if under => Post::Lower,
        _ => Post::Upper,
    }
}
