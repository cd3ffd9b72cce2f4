//! Further covariance estimators of the `moments` room: several half-lives, a rolling window, online shrinkage.

use numpy::ndarray::ArrayView1;
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2,
    PyReadwriteArray3,
};
use poise_core::moments::{self, EwmaRule, RollingRule, ZeroVariance};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::border::{detached, plain_vector, to_python};
use crate::shared::{absorbs_rows, counted, saved};

/// Running moments under several half-lives; the class behind `poise.moments.MultiHalfLifeCovariance`.
#[pyclass(module = "poise._native")]
struct HalfLivesState {
    inner: moments::HalfLivesState,
}

#[pymethods]
impl HalfLivesState {
    #[new]
    #[pyo3(signature = (n_assets, *, half_lives, adjust, bias, ignore_na, demean))]
    #[allow(clippy::needless_pass_by_value)] // pyo3 hands over what it has read
    fn new(
        n_assets: usize,
        half_lives: Vec<f64>,
        adjust: bool,
        bias: bool,
        ignore_na: bool,
        demean: bool,
    ) -> PyResult<Self> {
        let rule = EwmaRule { adjust, bias, ignore_na, demean, ..EwmaRule::new(1.0) };
        let inner = moments::HalfLivesState::new(n_assets, &half_lives, rule).map_err(to_python)?;
        Ok(Self { inner })
    }

    /// Takes in one row.
    fn update(&mut self, row: &Bound<'_, PyAny>) -> PyResult<()> {
        with_row(row, |row| self.inner.update(row))
    }

    fn covariance<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyArray3<f64>>> {
        self.inner.fold();
        self.filled(py, |out| self.inner.write_covariance(out))
    }

    /// An asset that never moves has correlation 0 with others.
    fn correlation<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyArray3<f64>>> {
        self.inner.fold();
        self.filled(py, |out| self.inner.write_correlation(ZeroVariance::Uncorrelated, out))
    }

    fn volatility<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        self.inner.volatility().into_pyarray(py)
    }
}

counted!(HalfLivesState);
absorbs_rows!(HalfLivesState);
saved!(HalfLivesState, moments::HalfLivesState);

impl HalfLivesState {
    /// New matrices, of memory that NumPy asked for: in pages as large as it can get them.
    fn filled<'py>(
        &self,
        py: Python<'py>,
        fill: impl FnOnce(&mut [f64]) -> poise_core::Result<()>,
    ) -> PyResult<Bound<'py, PyArray3<f64>>> {
        static EMPTY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let shape = (self.inner.n_half_lives(), self.inner.n_assets(), self.inner.n_assets());
        let matrices = EMPTY.import(py, "numpy", "empty")?.call1((shape,))?.cast_into::<PyArray3<f64>>()?;
        fill(matrices.try_readwrite()?.as_slice_mut()?).map_err(to_python)?;
        Ok(matrices)
    }
}

/// The moments of the last rows; the class behind `poise.moments.RollingCovariance`.
#[pyclass(module = "poise._native")]
struct RollingState {
    inner: moments::RollingState,
}

#[pymethods]
impl RollingState {
    #[new]
    #[pyo3(signature = (n_assets, *, window, ddof, demean))]
    fn new(n_assets: usize, window: usize, ddof: usize, demean: bool) -> PyResult<Self> {
        let rule = RollingRule { window, ddof, demean };
        Ok(Self { inner: moments::RollingState::new(n_assets, rule).map_err(to_python)? })
    }

    /// Takes in one row.
    fn update(&mut self, row: &Bound<'_, PyAny>) -> PyResult<()> {
        with_row(row, |row| self.inner.update(row))
    }

    fn covariance<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        self.inner.covariance().into_pyarray(py)
    }

    fn volatility<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.inner.volatility().into_pyarray(py)
    }
}

counted!(RollingState);
absorbs_rows!(RollingState);
saved!(RollingState, moments::RollingState);

/// Running second and fourth moments; the class behind `poise.moments.ShrunkEwmaCovariance`.
#[pyclass(module = "poise._native")]
pub(crate) struct ShrunkState {
    pub(crate) inner: moments::ShrunkState,
}

#[pymethods]
impl ShrunkState {
    #[new]
    #[pyo3(signature = (n_assets, *, half_life, ignore_na))]
    fn new(n_assets: usize, half_life: f64, ignore_na: bool) -> PyResult<Self> {
        Ok(Self { inner: moments::ShrunkState::new(n_assets, half_life, ignore_na).map_err(to_python)? })
    }

    /// Takes in one row.
    fn update(&mut self, row: &Bound<'_, PyAny>) -> PyResult<()> {
        with_row(row, |row| self.inner.update(row))
    }

    fn covariance<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        Ok(self.inner.shrunk().map_err(to_python)?.covariance.into_pyarray(py))
    }

    fn intensity(&self) -> PyResult<f64> {
        Ok(self.inner.shrunk().map_err(to_python)?.intensity)
    }

    fn noise_intensity(&self) -> f64 {
        self.inner.noise_intensity()
    }

    fn volatility<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.inner.volatility().into_pyarray(py)
    }
}

counted!(ShrunkState);
absorbs_rows!(ShrunkState);
saved!(ShrunkState, moments::ShrunkState);

/// Takes in a row: a tick is shorter than letting go of the interpreter and taking it back.
fn with_row(
    row: &Bound<'_, PyAny>,
    update: impl FnOnce(ArrayView1<'_, f64>) -> poise_core::Result<()>,
) -> PyResult<()> {
    match plain_vector(row) {
        Some(values) => update(ArrayView1::from(&values.to_vec()?)).map_err(to_python),
        None => update(row.extract::<PyReadonlyArray1<'_, f64>>()?.as_array()).map_err(to_python),
    }
}

/// Covariance over the last `window` rows after each row, written into `out`.
#[pyfunction]
#[pyo3(signature = (returns, out, *, window, ddof, demean))]
fn rolling_covariance_path(
    py: Python<'_>,
    returns: PyReadonlyArray2<'_, f64>,
    mut out: PyReadwriteArray3<'_, f64>,
    window: usize,
    ddof: usize,
    demean: bool,
) -> PyResult<()> {
    let (returns, out) = (returns.as_array(), out.as_array_mut());
    let rule = RollingRule { window, ddof, demean };
    detached(py, || moments::rolling_covariance_path(returns, rule, out))
}

/// Adds the classes and the function to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<HalfLivesState>()?;
    module.add_class::<RollingState>()?;
    module.add_class::<ShrunkState>()?;
    module.add_function(wrap_pyfunction!(rolling_covariance_path, module)?)
}
