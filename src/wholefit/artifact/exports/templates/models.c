/*@ constant */
static void wf_constant(const wf_row *row, double *out, int n, const double *value, int nv) {
  (void)row; (void)nv;
  for (int i = 0; i < n; i++) out[i] = value[i];
}
/*@ zero */
static void wf_zero(const wf_row *row, double *out, int n) {
  (void)row;
  for (int i = 0; i < n; i++) out[i] = 0.0;
}
/*@ add */
static void wf_add(const wf_row *row, double *out, int n, const double *x, int nx, double share) {
  (void)row; (void)nx;
  for (int i = 0; i < n; i++) out[i] += x[i] * share;
}
/*@ divided */
static void wf_divided(const wf_row *row, double *out, int n, const double *x, int nx, double by) {
  (void)row; (void)nx;
  for (int i = 0; i < n; i++) out[i] = x[i] / by;
}
/*@ dense */
static void wf_dense(const wf_row *row, double *out, int n, const double *x, int nx,
                     const double *weight, int nw, const double *bias, int nb) {
  (void)row; (void)nw; (void)nb;
  for (int i = 0; i < n; i++) {
    const double *w = weight + (size_t)i * (size_t)nx;
    double sum = 0.0;
    for (int j = 0; j < nx; j++) sum += w[j] * x[j];
    out[i] = sum + bias[i];
  }
}
/*@ directed */
static void wf_directed(const wf_row *row, double *out, int n, const double *x, int nx,
                        const double *axes, int na) {
  (void)row; (void)na;
  for (int i = 0; i < n; i++) {
    const double *w = axes + (size_t)i * (size_t)nx;
    double first = 0.0, rest = 0.0, r[8] = {0};
    int count = -1, at = -1;
    for (int j = 0; j < nx; j++) count += x[j] != 0.0;
    int whole = count > 0 ? count - count % 8 : 0; /* in the order in which numpy adds up */
    for (int j = 0; j < nx; j++) {
      if (x[j] == 0.0) continue;
      if (at < 0) first = w[j] * x[j];
      else if (at < whole) r[at % 8] += w[j] * x[j];
      if (at >= 0 && at == whole - 1)
        rest = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
      if (at >= whole && at >= 0) rest += w[j] * x[j];
      at++;
    }
    out[i] = first + rest;
  }
}
/*@ squash */
static double wf_squash(double x) {
  double small = exp(-fabs(x));
  return (x >= 0 ? 1.0 : small) / (1.0 + small);
}
/*@ sigmoid: squash */
static void wf_sigmoid(const wf_row *row, double *out, int n, const double *x, int nx) {
  (void)row; (void)nx;
  for (int i = 0; i < n; i++) out[i] = wf_squash(x[i]);
}
/*@ softmax */
static void wf_softmax(const wf_row *row, double *out, int n, const double *x, int nx) {
  double most = x[0], sum = 0.0;
  (void)row; (void)nx;
  for (int i = 1; i < n; i++) if (x[i] > most) most = x[i];
  for (int i = 0; i < n; i++) { out[i] = exp(x[i] - most); sum += out[i]; }
  for (int i = 0; i < n; i++) out[i] /= sum;
}
/*@ exp */
static void wf_exp(const wf_row *row, double *out, int n, const double *x, int nx) {
  (void)row; (void)nx;
  for (int i = 0; i < n; i++) out[i] = exp(x[i]);
}
/*@ huber: held */
static void wf_huber(const wf_row *row, double *out, int n, const double *x, int nx) {
  (void)row; (void)nx;
  for (int i = 0; i < n; i++) out[i] = (wf_held(x[i], -1.0, 1.0) + 1.0) / 2.0;
}
/*@ pair */
static void wf_pair(const wf_row *row, double *out, int n, const double *x, int nx) {
  (void)row; (void)nx; (void)n;
  out[1] = x[0];
  out[0] = 1.0 - out[1];
}
/*@ normal */
static void wf_normal(const wf_row *row, double *out, int n, const double *x, int nx) {
  double sum = 0.0;
  (void)row; (void)nx;
  for (int i = 0; i < n; i++) sum += x[i];
  for (int i = 0; i < n; i++) out[i] = sum == 0.0 ? 1.0 / n : x[i] / sum;
}
/*@ spread */
static void wf_spread(const wf_row *row, double *out, int n, const double *x, int nx,
                      const int32_t *places, int np) {
  (void)row; (void)np;
  for (int i = 0; i < n; i++) out[i] = 0.0;
  for (int i = 0; i < nx; i++) out[places[i]] = x[i];
}
/*@ shifted */
static void wf_shifted(const wf_row *row, double *out, int n, const double *x, int nx,
                       const double *factor, int nf, double power, double least) {
  double sum = 0.0;
  (void)row; (void)nx; (void)nf;
  for (int i = 0; i < n; i++) {
    out[i] = (power == 1.0 ? x[i] : pow(x[i] > least ? x[i] : least, power)) * factor[i];
    sum += out[i];
  }
  for (int i = 0; i < n; i++) out[i] /= sum;
}
/*@ tempered: softmax */
static void wf_tempered(const wf_row *row, double *out, int n, const double *x, int nx,
                        double temperature, double least) {
  for (int i = 0; i < n; i++) out[i] = log(x[i] > least ? x[i] : least) / temperature;
  wf_softmax(row, out, n, out, nx);
}
/*@ log_odds */
static void wf_log_odds(const wf_row *row, double *out, int n, const double *x, int nx,
                        double least) {
  (void)row; (void)nx; (void)n;
  out[0] = log(x[1] > least ? x[1] : least) - log(x[0] > least ? x[0] : least);
}
/*@ log_shares */
static void wf_log_shares(const wf_row *row, double *out, int n, const double *x, int nx,
                          double least) {
  double mean = 0.0;
  (void)row; (void)nx;
  for (int i = 0; i < n; i++) { out[i] = log(x[i] > least ? x[i] : least); mean += out[i] / n; }
  for (int i = 0; i < n; i++) out[i] -= mean;
}
/*@ soft */
static double wf_soft(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
/*@ relu */
#define WF_EACH(name, expression) \
  static void wf_##name(const wf_row *row, double *out, int n, const double *x, int nx) { \
    (void)row; (void)nx; \
    for (int i = 0; i < n; i++) { double v = x[i]; out[i] = (expression); } \
  }
WF_EACH(relu, v < 0 ? 0.0 : v)
/*@ leaky_relu: relu */
WF_EACH(leaky_relu, v > 0 ? v : 0.01 * v)
/*@ elu: relu */
WF_EACH(elu, v > 0 ? v : expm1(v))
/*@ selu: relu */
WF_EACH(selu, 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * expm1(v)))
/*@ gelu: relu */
WF_EACH(gelu, v * 0.5 * (1.0 + erf(v / sqrt(2.0))))
/*@ silu: relu squash */
WF_EACH(silu, v * wf_squash(v))
/*@ mish: relu soft */
WF_EACH(mish, v * tanh(wf_soft(v)))
/*@ tanh: relu */
WF_EACH(tanh, tanh(v))
/*@ softplus: relu soft */
WF_EACH(softplus, wf_soft(v))
/*@ layer_norm */
static void wf_layer_norm(const wf_row *row, double *out, int n, const double *x, int nx,
                          const double *weight, int nw, const double *bias, int nb,
                          double epsilon) {
  double mean = 0.0, spread = 0.0;
  (void)row; (void)nx; (void)nw; (void)nb;
  for (int i = 0; i < n; i++) mean += x[i] / n;
  for (int i = 0; i < n; i++) spread += (x[i] - mean) * (x[i] - mean) / n;
  for (int i = 0; i < n; i++) out[i] = (x[i] - mean) / sqrt(spread + epsilon) * weight[i] + bias[i];
}
/*@ above */
static void wf_above(const wf_row *row, double *out, int n, const double *x, int nx,
                     double threshold) {
  (void)row; (void)nx;
  for (int i = 0; i < n; i++) out[i] = x[i] > threshold ? 1.0 : 0.0;
}
/*@ leaf */
/* The leaf that x falls into, as its place in the values. */
static int32_t wf_leaf(const double *x, int32_t node, const int32_t *feature, const int32_t *child,
                       const double *threshold, const uint8_t *left, const int32_t *member, int nm,
                       const uint8_t *sets, int width) {
  while (feature[node] >= 0) {
    double v = x[feature[node]];
    int right = v > threshold[node];
    if (isnan(v)) {
      right = !left[node];
    } else if (nm && member[node] >= 0) {
      right = !(v >= 0 && v < 8.0 * width &&
                (sets[(size_t)member[node] * (size_t)width + (size_t)v / 8] >> ((int)v % 8) & 1));
    }
    node = child[node] + right;
  }
  return child[node];
}
/*@ trees: leaf */
static void wf_trees(const wf_row *row, double *out, int n, const double *x, int nx,
                     const int32_t *root, int nr, const int32_t *feature, int nf,
                     const int32_t *child, int nc, const double *threshold, int nt,
                     const uint8_t *left, int nl, const int32_t *member, int nm,
                     const uint8_t *sets, int ns, const double *value, int nv, int width,
                     int how, const double *base, int nb) {
  (void)row; (void)nx; (void)nf; (void)nc; (void)nt; (void)nl; (void)ns; (void)nv; (void)nb;
  for (int i = 0; i < n; i++) out[i] = base[i];
  for (int t = 0; t < nr; t++) {
    int32_t leaf = wf_leaf(x, root[t], feature, child, threshold, left, member, nm, sets, width);
    for (int i = how & 1 ? t % n : 0; i < n; i += how & 1 ? n : 1) {
      out[i] += value[how & 1 ? (size_t)leaf : (size_t)leaf * (size_t)n + (size_t)i];
      if (how & 2) { volatile float single = (float)out[i]; out[i] = single; }
    }
  }
}
/*@ median_tree: leaf */
static void wf_median_tree(const wf_row *row, double *out, int n, const double *x, int nx,
                           const int32_t *root, int nr, const int32_t *feature, int nf,
                           const int32_t *child, int nc, const double *threshold, int nt,
                           const uint8_t *left, int nl, const int32_t *member, int nm,
                           const uint8_t *sets, int ns, const double *value, int nv, int width,
                           const double *weight, int nw) {
  double total = 0.0, mass = 0.0, last = -INFINITY;
  (void)row; (void)nx; (void)nf; (void)nc; (void)nt; (void)nl; (void)ns; (void)nv; (void)n;
  for (int i = 0; i < nw; i++) total += weight[i];
  while (mass < 0.5 * total) { /* the values in rising order, equal ones together */
    double next = INFINITY, heavy = 0.0;
    for (int t = 0; t < nr; t++) {
      double v = value[wf_leaf(x, root[t], feature, child, threshold, left, member, nm, sets,
                               width)];
      if (v > last && v < next) { next = v; heavy = 0.0; }
      if (v == next) heavy += weight[t];
    }
    if (isinf(next)) break;
    mass += heavy;
    last = next;
  }
  out[0] = last;
}
/*@ keyed */
static void wf_keyed(const wf_row *row, double *out, int n, const double *x, int nx,
                     const int32_t *places, int np) {
  (void)row; (void)nx; (void)np;
  for (int i = 0; i < n; i++) out[i] = isnan(x[places[i]]) ? 0.0 : trunc(x[places[i]]) + 1.0;
}
/*@ beyond */
static void wf_beyond(const wf_row *row, double *out, int n, const double *x, int nx,
                      const int32_t *places, int np, const int32_t *tests, int nt,
                      const double *borders, int nb) {
  (void)row; (void)nx; (void)np; (void)nt; (void)nb;
  for (int i = 0; i < n; i++) {
    double v = x[places[i]];
    out[i] = (tests[i] == 1 ? v == borders[i] : v > borders[i]) ? 1.0 : 0.0;
  }
}
/*@ looked_up */
static void wf_looked_up(const wf_row *row, double *out, int n, const double *x, int nx,
                         const int32_t *keys, int nk, const int32_t *sizes, int ns,
                         const double *values, int nv, double other) {
  double place = 0.0;
  (void)row; (void)nx; (void)ns; (void)nv; (void)n;
  for (int i = 0; i < nk; i++) {
    double code = trunc(x[keys[i]]);
    if (!(code >= 0 && code < sizes[i])) { out[0] = other; return; }
    place = place * sizes[i] + code;
  }
  out[0] = values[(size_t)place];
}
/*@ oblivious */
static void wf_oblivious(const wf_row *row, double *out, int n, const double *x, int nx,
                         const int32_t *depth, int nd, const int32_t *feature, int nf,
                         const int32_t *test, int nt, const double *border, int nb,
                         const double *value, int nv, double scale, const double *bias, int ni) {
  (void)row; (void)nx; (void)nf; (void)nt; (void)nb; (void)nv; (void)ni;
  for (int i = 0; i < n; i++) out[i] = 0.0;
  for (int t = 0, at = 0; t < nd; t++) {
    size_t leaf = 0;
    for (int i = 0; i < depth[t]; i++, at++) {
      double v = x[feature[at]];
      int yes = test[at] == 1 ? v == border[at] : test[at] == 2 && isnan(v) ? 1 : v > border[at];
      leaf |= (size_t)yes << i;
    }
    for (int i = 0; i < n; i++) out[i] += value[leaf * (size_t)n + (size_t)i];
    value += ((size_t)1 << depth[t]) * (size_t)n;
  }
  for (int i = 0; i < n; i++) out[i] = out[i] * scale + bias[i];
}
