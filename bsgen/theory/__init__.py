"""The papers' formulas as pure functions of numbers and arrays.

THE table of symbols. Columns: Smith & Le (2017), arXiv 1710.06451 [SL]; Hoffer, Hubara
& Soudry (2017), arXiv 1705.08741 [HHS]; Jastrzebski et al. (2018), ICANN [J]; Smith,
Elsen & De (2020), arXiv 2006.15081 [SED]. "-": the paper has no letter for it. c is the
unit of the cost (nats for a cross-entropy), w that of a weight.

    our name                 SL           HHS         J           SED         unit
    weights                  omega        w           theta       omega       w
    num_parameters           P            -           q           -           1
    train_size               N            N           N           N           examples
    num_classes              n            -           -           -           1
    batch_size (global)      B            M, |B_L|    S           B           examples
    ghost_batch_size         -            |B_S|       -           -           examples
    learning_rate            epsilon      eta         eta         epsilon     w^2/c
    effective_learning_rate  epsilon_eff  -           -           epsilon_eff w^2/c
    critical_learning_rate   -            -           -           epsilon_crit w^2/c
    momentum                 m            -           -           m           1
    loss_noise               -            sigma       -           -           1
    noise_scale              g            -           -           -           w^2/c
    optimal_batch_size       B_opt        -           -           -           examples
    temperature              -            -           eta/S       T           w^2/c/ex.
    mean cost                C/N (*)      L           L           C           c
    cost (sum, with L2)      C            -           -           -           c
    l2                       lambda (*)   -           -           -           c/w^2
    Hessian                  nabla^2 C(*) -           H           H           c/w^2
    eigenvalues              lambda_i (*) -           lambda_i    -           c/w^2
    max_eigenvalue           -            -           -           lambda_max  c/w^2
    gradient_covariance      F            -           C           F           (c/w)^2
    stationary_loss          -            -           E(l)        -           c
    log_evidence_ratio       E            -           -           -           nats
    weight_distance          -            |w_t - w_0| -           -           w
    steps                    -            t           -           -           updates
    potential_exponent       -            alpha       -           -           1

(*) Smith & Le's C is a SUM over the training examples, l2 included, and so are their
lambda and lambda_i; the other papers' cost is a mean. Only `evidence` takes the sum;
everywhere else in this project cost, `l2` and curvature are those of the mean.

The same letters mean other things elsewhere: SL's lambda of appendix C is a damping
coefficient; HHS's B is the set of M sampled indices, eta in their algorithm 1 the
momentum of batch normalisation; J's C is a covariance and not a cost; momentum is
called beta or mu in other literature.
"""

from bsgen.theory.basin_width import basin_width
from bsgen.theory.diffusion import (
    LAWS,
    MIN_POINTS,
    GrowthFit,
    fit_growth,
    growth_exponent,
    log_growth,
    log_growth_evidence,
    potential_exponent,
)
from bsgen.theory.evidence import log_evidence, log_evidence_ratio
from bsgen.theory.increments import (
    increment_covariance,
    paper_increment_covariance,
)
from bsgen.theory.loss_noise import loss_noise
from bsgen.theory.momentum_update import momentum_update
from bsgen.theory.noise_scale import noise_scale, optimal_batch_size
from bsgen.theory.random_potential import (
    Bins,
    Spread,
    about_mean,
    bin_differences,
    fit_spread,
)
from bsgen.theory.scaling_rules import (
    critical_learning_rate,
    effective_learning_rate,
    scale_learning_rate,
    temperature,
)
from bsgen.theory.sde import stationary_loss
from bsgen.theory.sphere_moments import SphereMoments, sphere_moments
from bsgen.theory.two_regimes import TwoRegimes, fit_two_regimes

__all__ = [
    "LAWS",
    "MIN_POINTS",
    "Bins",
    "GrowthFit",
    "SphereMoments",
    "Spread",
    "TwoRegimes",
    "about_mean",
    "basin_width",
    "bin_differences",
    "critical_learning_rate",
    "effective_learning_rate",
    "fit_growth",
    "fit_spread",
    "fit_two_regimes",
    "growth_exponent",
    "increment_covariance",
    "log_evidence",
    "log_evidence_ratio",
    "log_growth",
    "log_growth_evidence",
    "loss_noise",
    "momentum_update",
    "noise_scale",
    "optimal_batch_size",
    "paper_increment_covariance",
    "potential_exponent",
    "scale_learning_rate",
    "sphere_moments",
    "stationary_loss",
    "temperature",
]
