/*@ words */
static int wf_compare(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}
/* The place of a word in a sorted list, -1 where it is not. */
static int wf_place(const char *word, const char *const *words, int count) {
  const char *const *at = (const char *const *)bsearch(
      &word, words, (size_t)count, sizeof *words, wf_compare);
  return at ? (int)(at - words) : -1;
}
/*@ numbers */
static void wf_numbers(const wf_row *row, double *out, int n, const int32_t *columns, int nc) {
  (void)nc;
  for (int i = 0; i < n; i++) out[i] = row->number[columns[i]];
}
/*@ calendar */
/* Days since 1970 to year, month, day (H. Hinnant, "chrono-compatible low-level date algorithms"). */
static void wf_civil(int64_t days, int64_t *year, int *month, int *day) {
  int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
  int64_t doe = z - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
  *day = (int)(doy - (153 * mp + 2) / 5 + 1);
  *month = (int)(mp < 10 ? mp + 3 : mp - 9);
  *year = yoe + era * 400 + (*month <= 2);
}
static void wf_calendar(const wf_row *row, double *out, int n, int column, const int32_t *parts,
                        int np, double first) {
  const int64_t hour = 3600000000LL, whole = 24 * 3600000000LL;
  double micros = row->number[column];
  (void)np;
  for (int i = 0; i < n; i++) {
    if (isnan(micros)) { out[i] = NAN; continue; }
    int64_t t = (int64_t)micros, days = t / whole - (t % whole < 0), year;
    int month, day;
    wf_civil(days, &year, &month, &day);
    int64_t weekday = (days + 3) % 7, rest = t - days * whole;
    switch (parts[i]) {
      case 0: out[i] = (double)year; break;
      case 1: out[i] = month; break;
      case 2: out[i] = day; break;
      case 3: out[i] = (double)(weekday < 0 ? weekday + 7 : weekday); break;
      case 4: out[i] = (double)(rest / hour); break;
      default: out[i] = ((double)t - first) / (double)whole;
    }
  }
}
/*@ onehot: words */
static void wf_onehot(const wf_row *row, double *out, int n, int column, const char *const *words,
                      int nw, int other, int missing) {
  int place = missing;
  for (int i = 0; i < n; i++) out[i] = 0.0;
  if (row->text[column]) {
    place = wf_place(row->text[column], words, nw);
    if (place < 0) place = other;
  }
  if (place >= 0) out[place] = 1.0;
}
/*@ ordinal: words */
static void wf_ordinal(const wf_row *row, double *out, int n, int column,
                       const char *const *words, int nw, double other, double hole) {
  (void)n;
  if (!row->text[column]) { out[0] = hole; return; }
  int place = wf_place(row->text[column], words, nw);
  out[0] = place < 0 ? other : place;
}
/*@ tfidf: words */
/* One character of UTF-8; -1 at the end. Bytes that are no UTF-8 count one by one. */
static int32_t wf_character(const char **text) {
  const unsigned char *at = (const unsigned char *)*text;
  int more = *at < 0x80 ? 0 : *at >= 0xF0 ? 3 : *at >= 0xE0 ? 2 : *at >= 0xC0 ? 1 : 0;
  int32_t code = more == 3 ? *at & 7 : more == 2 ? *at & 15 : more == 1 ? *at & 31 : *at;
  if (!*at) return -1;
  for (int i = 1; i <= more; i++) {
    if ((at[i] & 0xC0) != 0x80) { more = 0; code = *at; break; }
    code = code << 6 | (at[i] & 63);
  }
  *text = (const char *)at + 1 + more;
  return code;
}
static int wf_is_letter(int32_t code) {
  int low = 0, high = wf_letter_runs;
  while (low < high) {
    int middle = (low + high) / 2;
    if (wf_letters[2 * middle + 1] < code) low = middle + 1; else high = middle;
  }
  return low < wf_letter_runs && wf_letters[2 * low] <= code;
}
static int32_t wf_lower(int32_t code) {
  int low = 0, high = wf_small_count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (wf_small[2 * middle] < code) low = middle + 1; else high = middle;
  }
  return low < wf_small_count && wf_small[2 * low] == code ? wf_small[2 * low + 1] : code;
}
static int wf_put(char *out, int32_t code) {
  if (code < 0x80) { out[0] = (char)code; return 1; }
  if (code < 0x800) {
    out[0] = (char)(0xC0 | code >> 6); out[1] = (char)(0x80 | (code & 63)); return 2;
  }
  if (code < 0x10000) {
    out[0] = (char)(0xE0 | code >> 12); out[1] = (char)(0x80 | (code >> 6 & 63));
    out[2] = (char)(0x80 | (code & 63)); return 3;
  }
  out[0] = (char)(0xF0 | code >> 18); out[1] = (char)(0x80 | (code >> 12 & 63));
  out[2] = (char)(0x80 | (code >> 6 & 63)); out[3] = (char)(0x80 | (code & 63)); return 4;
}
static void wf_tfidf(const wf_row *row, double *out, int n, int column, const char *const *words,
                     int nw, const double *idf, int ni) {
  char word[512];
  int size = 0, letters = 0;
  double length = 0.0;
  const char *text = row->text[column];
  (void)ni;
  for (int i = 0; i < n; i++) out[i] = 0.0;
  for (int32_t code = 0; text && code >= 0;) {
    code = wf_character(&text);
    /* A capital I with a dot becomes two characters, of which the second ends the word. */
    int32_t small = code == 0x130 ? 'i' : code < 0 ? code : wf_lower(code);
    if (code == 0x3A3 && letters) {
      const char *next = text;
      if (!wf_is_letter(wf_character(&next))) small = 0x3C2;
    }
    int inside = small >= 0 && wf_is_letter(small);
    if (inside) {
      if (size < (int)sizeof word - 8) size += wf_put(word + size, small);
      letters++;
    }
    if (!inside || code == 0x130) {
      word[size] = 0;
      int place = letters > 1 ? wf_place(word, words, nw) : -1;
      if (place >= 0) out[place] += 1.0;
      size = letters = 0;
    }
  }
  for (int i = 0; i < n; i++) { out[i] *= idf[i]; length += out[i] * out[i]; }
  length = sqrt(length);
  for (int i = 0; length > 0.0 && i < n; i++) out[i] /= length;
}
/*@ missing */
static void wf_missing(const wf_row *row, double *out, int n, const double *x, int nx,
                       const int32_t *places, int np) {
  (void)row; (void)nx; (void)np;
  for (int i = 0; i < n; i++) out[i] = isnan(x[places[i]]) ? 1.0 : 0.0;
}
/*@ held */
static double wf_held(double x, double low, double high) {
  return x < low ? low : x > high ? high : x; /* NaN stays */
}
/*@ mended: held */
static void wf_mended(const wf_row *row, double *out, int n, const double *x, int nx,
                      const uint8_t *empty, int ne, const double *fill, int nf, const double *low,
                      int nl, const double *high, int nh, const double *centre, int nc,
                      const double *scale, int ns, double limit) {
  (void)row; (void)nx; (void)ne; (void)nf; (void)nl; (void)nh; (void)nc; (void)ns;
  for (int i = 0; i < n; i++) {
    double v = empty[i] ? NAN : x[i];
    if (isinf(v)) v = v > 0 ? high[i] : low[i];
    if (isnan(v)) v = fill[i];
    out[i] = wf_held((v - centre[i]) / scale[i], -limit, limit);
  }
}
/*@ products: held */
static void wf_products(const wf_row *row, double *out, int n, const double *x, int nx,
                        const int32_t *parents, int np, const int32_t *factors, int nf,
                        double limit) {
  (void)row; (void)nx; (void)np; (void)nf;
  for (int i = 0; i < n; i++) out[i] = wf_held(x[parents[i]] * x[factors[i]], -limit, limit);
}
/*@ round32 */
static void wf_round32(const wf_row *row, double *out, int n, const double *x, int nx) {
  (void)row; (void)nx;
  for (int i = 0; i < n; i++) { volatile float single = (float)x[i]; out[i] = single; }
}
/*@ pick */
static void wf_pick(const wf_row *row, double *out, int n, const double *x, int nx,
                    const int32_t *places, int np) {
  (void)row; (void)nx; (void)np;
  for (int i = 0; i < n; i++) out[i] = x[places[i]];
}
/*@ copy */
static void wf_copy(const wf_row *row, double *out, int n, const double *x, int nx) {
  (void)row; (void)nx;
  for (int i = 0; i < n; i++) out[i] = x[i];
}
/*@ affine */
static void wf_affine(const wf_row *row, double *out, int n, const double *x, int nx,
                      const double *centre, int nc, const double *factor, int nf,
                      const double *add, int na) {
  (void)row; (void)nx; (void)nc; (void)nf; (void)na;
  for (int i = 0; i < n; i++) out[i] = (x[i] - centre[i]) * factor[i] + add[i];
}
/*@ clip: held */
static void wf_clip(const wf_row *row, double *out, int n, const double *x, int nx, double low,
                    double high) {
  (void)row; (void)nx;
  for (int i = 0; i < n; i++) out[i] = wf_held(x[i], low, high);
}
/*@ bent */
static void wf_bent(const wf_row *row, double *out, int n, const double *x, int nx) {
  (void)row; (void)nx;
  for (int i = 0; i < n; i++) out[i] = x[i] / sqrt(1.0 + x[i] / 3.0 * (x[i] / 3.0));
}
/*@ ranked: held */
/* The normal quantile (M. Wichura 1988, algorithm AS 241, PPND16). */
static double wf_quantile(double p) {
  static const double a[] = {
    3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
    1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
    3.3430575583588128105e+4, 2.5090809287301226727e+3};
  static const double b[] = {
    1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
    2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
    5.2264952788528545610e+3};
  static const double c[] = {
    1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
    3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
    2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static const double d[] = {
    1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
    1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
    1.05075007164441684324e-9};
  static const double e[] = {
    6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
    2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static const double f[] = {
    1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
    7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
    2.04426310338993978564e-15};
  const double *over = a, *under = b;
  double q = p - 0.5, r = 0.180625 - q * q, up = 0.0, down = 0.0;
  if (isnan(p)) return p;
  if (fabs(q) > 0.425) {
    r = sqrt(-log(q < 0 ? p : 1.0 - p));
    over = r <= 5.0 ? c : e; under = r <= 5.0 ? d : f;
    r -= r <= 5.0 ? 1.6 : 5.0;
  }
  for (int i = 7; i >= 0; i--) { up = up * r + over[i]; down = down * r + under[i]; }
  if (fabs(q) <= 0.425) return q * up / down;
  return q < 0 ? -up / down : up / down;
}
/* Rank of x among `count` rising numbers spaced evenly on 0..1; the last of equal ones counts. */
static double wf_rank(double x, const double *known, int count, int step) {
  int low = 0, high = count;
  double sign = step < 0 ? -1.0 : 1.0;
#define WF_KNOWN(i) (sign * known[step < 0 ? count - 1 - (i) : (i)])
  while (low < high) {
    int middle = (low + high) / 2;
    if (WF_KNOWN(middle) <= x) low = middle + 1; else high = middle;
  }
  if (low == 0) return 0.0;
  if (low == count) return 1.0;
  double a = WF_KNOWN(low - 1), b = WF_KNOWN(low), first = (double)(low - 1) / (count - 1);
  if (a == x) return first;
  return ((double)low / (count - 1) - first) / (b - a) * (x - a) + first;
#undef WF_KNOWN
}
static void wf_ranked(const wf_row *row, double *out, int n, const double *x, int nx,
                      const double *quantiles, int nq, int count, double least) {
  (void)row; (void)nx; (void)nq;
  for (int i = 0; i < n; i++) {
    const double *known = quantiles + (size_t)i * (size_t)count;
    if (isnan(x[i])) { out[i] = NAN; continue; }
    double low = wf_rank(x[i], known, count, 1), high = 1.0 - wf_rank(-x[i], known, count, -1);
    out[i] = wf_quantile(wf_held((low + high) / 2.0, least, 1.0 - least));
  }
}
/*@ lit */
static void wf_lit(const wf_row *row, double *out, int n, const double *x, int nx,
                   const int32_t *places, int np, const int32_t *levels, int nl) {
  int start = 0;
  (void)row; (void)nx; (void)nl;
  for (int i = 0; i < n; i++) out[i] = 0.0;
  for (int i = 0; i < np; i++) {
    double code = trunc(x[places[i]]);
    if (code >= 0 && code < levels[i]) out[start + (int)code] = 1.0;
    start += levels[i];
  }
}
/*@ coded */
static void wf_coded(const wf_row *row, double *out, int n, const double *x, int nx,
                     const int32_t *features, int nf, const int32_t *sizes, int ns,
                     const double *levels, int nl) {
  const double *known = levels;
  (void)row; (void)nx; (void)ns; (void)nl;
  for (int i = 0; i < n; i++) out[i] = x[i];
  for (int i = 0; i < nf; known += sizes[i++]) {
    int low = 0, high = sizes[i];
    double value = x[features[i]];
    while (low < high) {
      int middle = (low + high) / 2;
      if (known[middle] < value) low = middle + 1; else high = middle;
    }
    out[features[i]] = low < sizes[i] && known[low] == value ? low : NAN;
  }
}
