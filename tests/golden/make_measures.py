"""Values of the judge's measures by numpy and scipy on inputs that both sides compute: writes measures_golden.h.

    /usr/bin/python3 tests/golden/make_measures.py > tests/golden/measures_golden.h      (numpy 1.24, scipy 1.10)
"""
import numpy as np
from scipy import linalg
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.distance import cdist


def cloud(n, d, salt, scale=1.0, shift=0.0):
    """As cloud() of measure_test.c: numbers in [shift, shift + scale), all exact in float32 after one rounding."""
    i = np.arange(n * d, dtype=np.uint64)
    h = (i + np.uint64(salt)) * np.uint64(0x9E3779B97F4A7C15)
    h ^= h >> np.uint64(29)
    h *= np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(32)
    u = (h >> np.uint64(40)).astype(np.float64) / 2.0**24
    return (u * scale + shift).astype(np.float32).reshape(n, d)


def frechet_exact(a, b):
    """By the data themselves: tr (C1 C2)^1/2 is the nuclear norm of the cross product of the centred data."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    x, y = a - a.mean(0), b - b.mean(0)
    x, y = x / np.sqrt(len(a) - 1), y / np.sqrt(len(b) - 1)
    root = linalg.svdvals(x @ y.T).sum()
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + (x**2).sum() + (y**2).sum() - 2 * root


def frechet_usual(a, b):
    c1, c2 = np.cov(a.astype(np.float64), rowvar=False), np.cov(b.astype(np.float64), rowvar=False)
    root = linalg.sqrtm(c1 @ c2).real
    d = a.astype(np.float64).mean(0) - b.astype(np.float64).mean(0)
    return d @ d + np.trace(c1 + c2 - 2 * root)


def kid(x, y):
    x, y, d = x.astype(np.float64), y.astype(np.float64), x.shape[1]
    k = lambda a, b: (a @ b.T / d + 1) ** 3
    n = len(x)
    off = lambda m: (m.sum() - np.trace(m)) / (n * (n - 1))
    return off(k(x, x)) + off(k(y, y)) - 2 * k(x, y).mean()


def score(logits, splits=10):
    p = np.exp(logits.astype(np.float64))
    p /= p.sum(1, keepdims=True)
    n, out = len(p), []
    for s in range(splits):
        part = p[(np.arange(n) * splits // n) == s]
        q = part.mean(0)
        out.append(np.exp((part * (np.log(part) - np.log(q))).sum(1).mean()))
    return np.mean(out), np.std(out)


def prdc(fake, real, k):
    f, r = fake.astype(np.float64), real.astype(np.float64)
    reach_f = np.sort(cdist(f, f), 1)[:, k]
    reach_r = np.sort(cdist(r, r), 1)[:, k]
    d = cdist(f, r)
    inside = d <= reach_r[None]
    return inside.any(1).mean(), (d <= reach_f[:, None]).any(0).mean(), inside.sum() / (k * len(f)), inside.any(0).mean()


def ssim(a, b, data_range):
    a, b = a.astype(np.float64), b.astype(np.float64)
    blur = lambda z: gaussian_filter1d(gaussian_filter1d(z, 1.5, axis=0, radius=5), 1.5, axis=1, radius=5)
    ma, mb = blur(a), blur(b)
    va, vb, ab = blur(a * a) - ma**2, blur(b * b) - mb**2, blur(a * b) - ma * mb
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    s = (2 * ma * mb + c1) * (2 * ab + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    return s[5:-5, 5:-5].mean()


def energy(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    n, m = len(a), len(b)
    return 2 * cdist(a, b).mean() - cdist(a, a).sum() / (n * (n - 1)) - cdist(b, b).sum() / (m * (m - 1))


def sliced_2d(a, b, directions):
    a, b = a.astype(np.float64), b.astype(np.float64)
    sums = [((np.sort(a @ v) - np.sort(b @ v)) ** 2).mean() for v in directions]
    return np.sqrt(np.mean(sums))


def main():
    out = {}
    a, b = cloud(300, 16, 1), cloud(200, 16, 100000, 1.3, 0.2)
    out["FRECHET_16"] = frechet_usual(a, b)
    assert abs(frechet_exact(a, b) / out["FRECHET_16"] - 1) < 1e-9
    out["FRECHET_DEFICIENT_64"] = frechet_exact(cloud(40, 64, 2), cloud(30, 64, 200000, 1.2, 0.1))
    out["FRECHET_2048"] = frechet_exact(cloud(300, 2048, 3), cloud(200, 2048, 300000, 1.1, 0.05))
    fade = np.ldexp(np.float32(1), -(np.arange(256) * 13 // 256)).astype(np.float32)  # variances from 1 to 6e-8
    out["FRECHET_FADING_256"] = frechet_exact(cloud(600, 256, 10) * fade, cloud(500, 256, 1000000) * fade)
    out["KID"] = kid(a[:200], b)
    out["SCORE_MEAN"], out["SCORE_STD"] = score(cloud(205, 7, 4, 6.0, -3.0))
    out["PRECISION"], out["RECALL"], out["DENSITY"], out["COVERAGE"] = prdc(cloud(300, 4, 5, 0.9, 0.2), cloud(250, 4, 500000), 3)
    p, q = cloud(20, 17, 6, 2.0, -1.0), cloud(20, 17, 600000, 2.0, -1.0)
    q = (np.float32(0.75) * p + np.float32(0.25) * q).astype(np.float32)
    out["SSIM"] = ssim(p, q, 2.0)
    out["PSNR"] = 10 * np.log10(4 / ((p.astype(np.float64) - q) ** 2).mean())
    out["ENERGY"] = energy(cloud(90, 2, 7), cloud(70, 2, 700000, 1.4, 0.3))
    out["SLICED_1D"] = sliced_2d(cloud(90, 1, 8), cloud(90, 1, 800000, 1.4, 0.3), np.array([[1.0]]))
    np.savez("tests/golden/pictures.npz", np.random.default_rng(1).integers(0, 256, (5, 12, 12, 1), dtype=np.uint8))
    print("/* measures_golden.h - made by make_measures.py: numpy and scipy in float64. */")
    for key, value in out.items():
        print(f"#define GOLDEN_{key} {value:.17g}")


main()
