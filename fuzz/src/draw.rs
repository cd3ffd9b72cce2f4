//! Numbers and panels of observations, drawn from bytes.

use arbitrary::{Arbitrary, Result, Unstructured};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Slice};

/// Numbers that kernels have reason to fear.
const FEARED: [f64; 24] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    -2.0,
    0.5,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    5e-324,
    -5e-324,
    f64::EPSILON,
    1.0 - f64::EPSILON / 2.0,
    1e154,
    -1.4e154,
    1e-154,
    1e75,
    1e-75,
    1e16,
    1e-9,
    1e308,
];

/// A number of any kind, a small one more often than not.
pub fn real(u: &mut Unstructured<'_>) -> Result<f64> {
    Ok(match u.int_in_range(0..=7)? {
        0 | 1 => *u.choose(&FEARED)?,
        2 => f64::from_bits(u64::arbitrary(u)?),
        3 => 10_f64.powi(u.int_in_range(-320..=308)?) * f64::from(i8::arbitrary(u)?),
        4 => f64::from(i16::arbitrary(u)?),
        _ => f64::from(i16::arbitrary(u)?) / 100_000.0,
    })
}

/// A number of observations, a level, a weight: mostly what a caller would pass, now and then anything.
pub fn parameter(u: &mut Unstructured<'_>, usual: &[f64]) -> Result<f64> {
    if u.ratio(1, 8)? { real(u) } else { Ok(*u.choose(usual)?) }
}

pub fn half_life(u: &mut Unstructured<'_>) -> Result<f64> {
    parameter(u, &[1.0, 0.5, 3.0, 10.4, 21.0, 63.0, 500.0, 1e-3, 1e6])
}

pub fn confidence_level(u: &mut Unstructured<'_>) -> Result<f64> {
    parameter(u, &[0.95, 0.99, 0.9, 0.5, 0.975, 0.05, 0.999, 0.75])
}

/// `n` numbers of any kind.
pub fn reals(u: &mut Unstructured<'_>, n: usize) -> Result<Array1<f64>> {
    (0..n).map(|_| real(u)).collect()
}

/// Returns of an ordinary market from a seed, so that few bytes make many rows.
pub fn noise(seed: u32, n: usize) -> Vec<f64> {
    let mut state = (u64::from(seed) << 17) | 0x9E37_79B9_7F4A_7C15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 * 0.2 - 0.1
    };
    (0..n).map(|_| next()).collect()
}

/// How the numbers lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    RowsTogether,
    ColumnsTogether,
    /// Every second row and column of a larger block whose other places hold NaN.
    Apart,
    Backwards,
}

const EVERY_SECOND: Slice = Slice { start: 0, end: None, step: 2 };
const REVERSED: Slice = Slice { start: 0, end: None, step: -1 };

/// A matrix in some memory layout.
#[derive(Debug, Clone)]
pub struct Panel {
    held: Array2<f64>,
    layout: Layout,
    /// The same numbers, row by row.
    pub dense: Array2<f64>,
}

impl Panel {
    pub fn new(u: &mut Unstructured<'_>, dense: Array2<f64>) -> Result<Self> {
        let layout =
            *u.choose(&[Layout::RowsTogether, Layout::ColumnsTogether, Layout::Apart, Layout::Backwards])?;
        let (rows, columns) = dense.dim();
        let held = match layout {
            Layout::RowsTogether => dense.clone(),
            Layout::ColumnsTogether => dense.t().as_standard_layout().into_owned(),
            Layout::Apart => {
                let mut block = Array2::from_elem((2 * rows, 2 * columns), f64::NAN);
                block.slice_each_axis_mut(|_| EVERY_SECOND).assign(&dense);
                block
            }
            Layout::Backwards => dense.slice_each_axis(|_| REVERSED).as_standard_layout().into_owned(),
        };
        Ok(Self { held, layout, dense })
    }

    pub fn view(&self) -> ArrayView2<'_, f64> {
        match self.layout {
            Layout::RowsTogether => self.held.view(),
            Layout::ColumnsTogether => self.held.t(),
            Layout::Apart => self.held.slice_each_axis(|_| EVERY_SECOND),
            Layout::Backwards => self.held.slice_each_axis(|_| REVERSED),
        }
    }

    /// The first column, in the panel's layout.
    pub fn column(&self) -> ArrayView1<'_, f64> {
        self.view().index_axis_move(Axis(1), 0)
    }

    pub fn n_rows(&self) -> usize {
        self.dense.nrows()
    }

    pub fn n_columns(&self) -> usize {
        self.dense.ncols()
    }

    pub fn is_finite(&self) -> bool {
        self.dense.iter().all(|x| x.is_finite())
    }

    /// Whether every number is missing or one that a market could show, so that answers can be held to digits.
    pub fn is_tame(&self) -> bool {
        self.dense.iter().all(|x| x.is_nan() || *x == 0.0 || (1e-6..1e3).contains(&x.abs()))
    }

    pub fn has_gaps(&self) -> bool {
        self.dense.iter().any(|x| x.is_nan())
    }

    /// The largest absolute number, NaN left out.
    pub fn largest(&self) -> f64 {
        self.dense.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()))
    }
}

/// A panel of at most so many rows and columns, either of which may be zero: a market, and what befell it.
pub fn panel(u: &mut Unstructured<'_>, most_rows: usize, most_columns: usize) -> Result<Panel> {
    let rows = if bool::arbitrary(u)? { most_rows } else { most_rows.min(9) };
    let shape = (u.int_in_range(0..=rows)?, u.int_in_range(0..=most_columns)?);
    panel_of(u, shape)
}

/// A panel of at least one row and column.
pub fn filled_panel(u: &mut Unstructured<'_>, most_rows: usize, most_columns: usize) -> Result<Panel> {
    let rows = if bool::arbitrary(u)? { most_rows } else { most_rows.min(9) };
    let shape = (u.int_in_range(1..=rows)?, u.int_in_range(1..=most_columns)?);
    panel_of(u, shape)
}

/// Outcomes without gaps, except where a kernel is to refuse one.
pub fn scenarios(u: &mut Unstructured<'_>, most_rows: usize, most_columns: usize) -> Result<Panel> {
    let panel = filled_panel(u, most_rows, most_columns)?;
    if u.ratio(1, 16)? {
        return Ok(panel);
    }
    Panel::new(u, panel.dense.mapv(|x| if x.is_finite() { x } else { 0.0 }))
}

/// What each of `n` outcomes counts: alike, in small whole numbers, or anything.
pub fn shares(u: &mut Unstructured<'_>, n: usize) -> Result<Option<Array1<f64>>> {
    Ok(match u.int_in_range(0..=3)? {
        0 | 1 => None,
        2 => Some((0..n).map(|_| Ok(f64::from(u8::arbitrary(u)?))).collect::<Result<_>>()?),
        _ => Some(reals(u, n)?.mapv(f64::abs)),
    })
}

/// A panel of the given shape.
pub fn panel_of(u: &mut Unstructured<'_>, shape: (usize, usize)) -> Result<Panel> {
    let values = noise(u32::arbitrary(u)?, shape.0 * shape.1);
    let mut dense = Array2::from_shape_fn(shape, |(i, j)| values[i * shape.1 + j]);
    if !dense.is_empty() {
        for _ in 0..u.int_in_range(0..=8)? {
            befall(u, &mut dense)?;
        }
    }
    Panel::new(u, dense)
}

fn befall(u: &mut Unstructured<'_>, dense: &mut Array2<f64>) -> Result<()> {
    let (rows, columns) = dense.dim();
    let (row, column) = (u.int_in_range(0..=rows - 1)?, u.int_in_range(0..=columns - 1)?);
    match u.int_in_range(0..=11)? {
        0 => dense[(row, column)] = real(u)?,
        1 => dense.column_mut(column).fill(real(u)?),
        2 => dense.row_mut(row).fill(real(u)?),
        3 => dense.fill(real(u)?),
        4 => {
            let twin = dense.column(u.int_in_range(0..=columns - 1)?).to_owned();
            dense.column_mut(column).assign(&twin);
        }
        5 => {
            let scale = real(u)?;
            dense.column_mut(column).mapv_inplace(|x| x * scale);
        }
        6 => {
            let shift = real(u)?;
            dense.column_mut(column).mapv_inplace(|x| x + shift);
        }
        // Listed late, delisted, gone for a while.
        7 => dense.column_mut(column).iter_mut().take(row).for_each(|x| *x = f64::NAN),
        8 => dense.column_mut(column).iter_mut().skip(row).for_each(|x| *x = f64::NAN),
        9 => dense.row_mut(row).fill(f64::NAN),
        10 => dense.mapv_inplace(|x| (x * 100.0).round() / 100.0),
        _ => {
            let every = u.int_in_range(1..=7)?;
            let value = real(u)?;
            dense.iter_mut().skip(row).step_by(every).for_each(|x| *x = value);
        }
    }
    Ok(())
}
