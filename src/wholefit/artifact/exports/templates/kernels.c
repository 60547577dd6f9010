/*@ bin */
static int wf_bin(double v, int kind, const double *edge, const int32_t *bins, int count) {
  int low = 0, high = count;
  if (isnan(v)) return 0;
  while (low < high) {
    int middle = (low + high) / 2;
    if (edge[middle] < v) low = middle + 1; else high = middle;
  }
  if (!kind) return low + 1;
  return low < count && edge[low] == v ? bins[low] : 0;
}
/*@ additive: bin */
static void wf_additive(const wf_row *row, double *out, int n, const double *x, int nx,
                        const int32_t *kind, int nk, const int32_t *edge_size, int ne,
                        const int32_t *edge_bin, int nb, const int32_t *size, int ns,
                        const int32_t *pair, int np, const int32_t *pair_size, int nz,
                        const int32_t *pair_bin, int nq, const double *edge, int ng,
                        const double *value, int nv, const double *pair_value, int nw,
                        const double *intercept, int ni) {
  int at = 0, first = 0, place = 0, cells = 0;
  (void)row; (void)nx; (void)ne; (void)nb; (void)ns; (void)nz; (void)nq; (void)ng; (void)nv;
  (void)nw; (void)ni;
  for (int i = 0; i < n; i++) out[i] = intercept[i];
  for (int f = 0; f < nk; f++) {
    int bin = wf_bin(x[f], kind[f], edge + at, edge_bin + at, edge_size[f]);
    for (int i = 0; i < n; i++) out[i] += value[(first + bin) * n + i];
    at += edge_size[f];
    first += size[f];
  }
  for (int p = 0; p < np / 2; p++) {
    int bin[2];
    for (int side = 0; side < 2; side++) {
      int f = pair[2 * p + side], start = 0;
      for (int g = 0; g < f; g++) start += edge_size[g];
      bin[side] = pair_bin[place + wf_bin(x[f], kind[f], edge + start, edge_bin + start,
                                          edge_size[f])];
      place += size[f];
    }
    int cell = cells + bin[0] * pair_size[2 * p + 1] + bin[1];
    for (int i = 0; i < n; i++) out[i] += pair_value[cell * n + i];
    cells += pair_size[2 * p] * pair_size[2 * p + 1];
  }
}
/*@ gauss */
static void wf_gauss(const wf_row *row, double *out, int n, const double *x, int nx,
                     const double *mean, int nm, const double *variance, int nv,
                     const double *base, int nb) {
  (void)row; (void)nm; (void)nv; (void)nb;
  for (int i = 0; i < n; i++) {
    double sum = 0.0;
    for (int j = 0; j < nx; j++) {
      double apart = x[j] - mean[(size_t)i * (size_t)nx + (size_t)j];
      sum += apart * apart / variance[(size_t)i * (size_t)nx + (size_t)j];
    }
    out[i] = base[i] - 0.5 * sum;
  }
}
/*@ rules */
static void wf_rules(const wf_row *row, double *out, int n, const double *x, int nx,
                     const int32_t *rule, int nr, const int32_t *feature, int nf,
                     const int32_t *test, int nt, const double *bound, int nb,
                     const double *value, int nv) {
  int count = nv / n - 1, first = count;
  (void)row; (void)nx; (void)nf; (void)nt; (void)nb;
  for (int r = 0; r < count && first == count; r++) {
    int met = 1;
    for (int c = 0; c < nr; c++) {
      double v = x[feature[c]];
      if (rule[c] != r) continue;
      met = met && (test[c] == 3 ? isnan(v) : test[c] == 0 ? v <= bound[c]
                    : test[c] == 1 ? v > bound[c] : v == bound[c]);
    }
    if (met) first = r;
  }
  for (int i = 0; i < n; i++) out[i] = value[first * n + i];
}
/*@ similar */
static void wf_similar(const wf_row *row, double *out, int n, const double *x, int nx,
                       const double *support, int ns, int kind, double gamma, double coef0,
                       double degree) {
  (void)row; (void)ns;
  for (int i = 0; i < n; i++) {
    const double *s = support + (size_t)i * (size_t)nx;
    double sum = 0.0;
    for (int j = 0; j < nx; j++) sum += kind == 2 ? (x[j] - s[j]) * (x[j] - s[j]) : x[j] * s[j];
    out[i] = kind == 0 ? sum : kind == 1 ? pow(gamma * sum + coef0, degree)
             : kind == 2 ? exp(-gamma * sum) : tanh(gamma * sum + coef0);
  }
}
/*@ votes */
static void wf_votes(const wf_row *row, double *out, int n, const double *x, int nx,
                     const double *dual, int nd, const int32_t *sizes, int ns,
                     const double *intercept, int ni) {
  int at = 0, begin[WF_MOST_CLASSES], end = 0;
  double sure[WF_MOST_CLASSES];
  (void)row; (void)nd; (void)ns; (void)ni;
  for (int i = 0; i < n; i++) { begin[i] = end; end += sizes[i]; out[i] = sure[i] = 0.0; }
  for (int i = 0; i < n; i++) {
    for (int j = i + 1; j < n; j++, at++) {
      double margin = intercept[at];
      for (int k = begin[i]; k < begin[i] + sizes[i]; k++) margin += dual[(j - 1) * nx + k] * x[k];
      for (int k = begin[j]; k < begin[j] + sizes[j]; k++) margin += dual[i * nx + k] * x[k];
      sure[i] += margin;
      sure[j] -= margin;
      out[margin >= 0 ? i : j] += 1.0;
    }
  }
  for (int i = 0; i < n; i++) out[i] += sure[i] / (3.0 * (fabs(sure[i]) + 1.0));
}
/*@ nearest */
static void wf_nearest(const wf_row *row, double *out, int n, const double *x, int nx,
                       const double *stored, int ns, const double *wanted, int nw, int k,
                       double power, int weighted, int classes) {
  double near[WF_MOST_NEAR], total = 0.0;
  int who[WF_MOST_NEAR], found = 0, spot = 0;
  (void)row; (void)ns;
  for (int i = 0; i < n; i++) out[i] = 0.0;
  for (int r = 0; r < nw; r++) {
    const double *s = stored + (size_t)r * (size_t)nx;
    double apart = 0.0;
    for (int j = 0; j < nx; j++) {
      double d = fabs(x[j] - s[j]);
      apart += power == 2.0 ? d * d : power == 1.0 ? d : pow(d, power);
    }
    apart = power == 2.0 ? sqrt(apart) : power == 1.0 ? apart : pow(apart, 1.0 / power);
    if (found == k && !(apart < near[k - 1])) continue;
    int at = found < k ? found++ : k - 1;
    for (; at > 0 && near[at - 1] > apart; at--) { near[at] = near[at - 1]; who[at] = who[at - 1]; }
    near[at] = apart;
    who[at] = r;
  }
  for (int i = 0; i < found; i++) spot = spot || near[i] == 0.0;
  for (int i = 0; i < found; i++) {
    double weight = !weighted ? 1.0 : spot ? (near[i] == 0.0) : 1.0 / near[i];
    out[classes ? (int)wanted[who[i]] : 0] += classes ? weight : weight * wanted[who[i]];
    total += weight;
  }
  for (int i = 0; i < n; i++) out[i] /= total;
}
