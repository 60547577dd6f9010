// Each fills `out`, a view of the register it writes to; `row` holds the cells by column.
const operations = {
  numbers(row, out, columns) { for (let i = 0; i < out.length; i++) out[i] = row[columns[i]]; },
  calendar(row, out, column, parts, first) {
    const micros = row[column], day = 864e8, hour = 36e8;
    if (Number.isNaN(micros)) { out.fill(NaN); return; }
    const days = Math.floor(micros / day), rest = micros - days * day;
    const date = new Date(days * 864e5);
    const found = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(),
      (((days + 3) % 7) + 7) % 7, Math.floor(rest / hour), (micros - first) / day];
    for (let i = 0; i < out.length; i++) out[i] = found[parts[i]];
  },
  onehot(row, out, column, words, other, missing) {
    out.fill(0);
    const cell = row[column];
    const place = cell === null ? missing : words.get(cell) ?? other;
    if (place >= 0) out[place] = 1;
  },
  ordinal(row, out, column, words, other, hole) {
    const cell = row[column];
    out[0] = cell === null ? hole : words.get(cell) ?? other;
  },
  tfidf(row, out, column, words, idf) {
    out.fill(0);
    let length = 0;
    for (const word of (row[column] ?? "").toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) ?? []) {
      const place = words.get(word);
      if (place !== undefined) out[place] += 1;
    }
    for (let i = 0; i < out.length; i++) { out[i] *= idf[i]; length += out[i] * out[i]; }
    length = Math.sqrt(length);
    if (length > 0) for (let i = 0; i < out.length; i++) out[i] /= length;
  },
  missing(row, out, x, places) {
    for (let i = 0; i < out.length; i++) out[i] = Number.isNaN(x[places[i]]) ? 1 : 0;
  },
  mended(row, out, x, empty, fill, low, high, centre, scale, limit) {
    for (let i = 0; i < out.length; i++) {
      let v = empty[i] ? NaN : x[i];
      if (v === Infinity) v = high[i]; else if (v === -Infinity) v = low[i];
      if (Number.isNaN(v)) v = fill[i];
      out[i] = held((v - centre[i]) / scale[i], -limit, limit);
    }
  },
  products(row, out, x, parents, factors, limit) {
    for (let i = 0; i < out.length; i++) {
      out[i] = held(x[parents[i]] * x[factors[i]], -limit, limit);
    }
  },
  round32(row, out, x) { for (let i = 0; i < out.length; i++) out[i] = Math.fround(x[i]); },
  pick(row, out, x, places) { for (let i = 0; i < out.length; i++) out[i] = x[places[i]]; },
  copy(row, out, x) { out.set(x); },
  affine(row, out, x, centre, factor, add) {
    for (let i = 0; i < out.length; i++) out[i] = (x[i] - centre[i]) * factor[i] + add[i];
  },
  clip(row, out, x, low, high) {
    for (let i = 0; i < out.length; i++) out[i] = held(x[i], low, high);
  },
  bent(row, out, x) {
    for (let i = 0; i < out.length; i++) out[i] = x[i] / Math.sqrt(1 + (x[i] / 3) ** 2);
  },
  ranked(row, out, x, quantiles, count, least) {
    for (let i = 0; i < out.length; i++) {
      const known = quantiles.subarray(i * count, (i + 1) * count);
      if (Number.isNaN(x[i])) { out[i] = NaN; continue; }
      const low = rank(x[i], (j) => known[j], count);
      const high = 1 - rank(-x[i], (j) => -known[count - 1 - j], count);
      out[i] = quantile(held((low + high) / 2, least, 1 - least));
    }
  },
  lit(row, out, x, places, levels) {
    out.fill(0);
    for (let i = 0, start = 0; i < places.length; start += levels[i++]) {
      const code = Math.trunc(x[places[i]]);
      if (code >= 0 && code < levels[i]) out[start + code] = 1;
    }
  },
  coded(row, out, x, features, sizes, levels) {
    out.set(x);
    for (let i = 0, start = 0; i < features.length; start += sizes[i++]) {
      const value = x[features[i]];
      const at = lower(levels, value, start, start + sizes[i]);
      out[features[i]] = at < start + sizes[i] && levels[at] === value ? at - start : NaN;
    }
  },
  constant(row, out, value) { out.set(value); },
  zero(row, out) { out.fill(0); },
  add(row, out, x, share) { for (let i = 0; i < out.length; i++) out[i] += x[i] * share; },
  divided(row, out, x, by) { for (let i = 0; i < out.length; i++) out[i] = x[i] / by; },
  dense(row, out, x, weight, bias) {
    for (let i = 0, at = 0; i < out.length; i++) {
      let sum = 0;
      for (let j = 0; j < x.length; j++) sum += weight[at++] * x[j];
      out[i] = sum + bias[i];
    }
  },
  directed(row, out, x, axes) {
    const places = [];
    for (let j = 0; j < x.length; j++) if (x[j] !== 0) places.push(j);
    for (let i = 0; i < out.length; i++) {
      const terms = places.map((j) => axes[i * x.length + j] * x[j]), first = terms.shift() ?? 0;
      const r = new Float64Array(8), whole = terms.length - (terms.length % 8);
      for (let k = 0; k < whole; k++) r[k % 8] += terms[k]; // in the order in which numpy adds up
      let rest = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
      for (let k = whole; k < terms.length; k++) rest += terms[k];
      out[i] = first + rest;
    }
  },
  sigmoid(row, out, x) { for (let i = 0; i < out.length; i++) out[i] = squash(x[i]); },
  softmax(row, out, x) {
    let most = -Infinity, sum = 0;
    for (let i = 0; i < out.length; i++) if (x[i] > most) most = x[i];
    for (let i = 0; i < out.length; i++) { out[i] = Math.exp(x[i] - most); sum += out[i]; }
    for (let i = 0; i < out.length; i++) out[i] /= sum;
  },
  exp(row, out, x) { for (let i = 0; i < out.length; i++) out[i] = Math.exp(x[i]); },
  huber(row, out, x) {
    for (let i = 0; i < out.length; i++) out[i] = (held(x[i], -1, 1) + 1) / 2;
  },
  pair(row, out, x) { out[1] = x[0]; out[0] = 1 - out[1]; },
  normal(row, out, x) {
    let sum = 0;
    for (const v of x) sum += v;
    for (let i = 0; i < out.length; i++) out[i] = sum === 0 ? 1 / out.length : x[i] / sum;
  },
  spread(row, out, x, places) {
    out.fill(0);
    for (let i = 0; i < x.length; i++) out[places[i]] = x[i];
  },
  shifted(row, out, x, factor, power, least) {
    let sum = 0;
    for (let i = 0; i < out.length; i++) {
      out[i] = (power === 1 ? x[i] : Math.max(x[i], least) ** power) * factor[i];
      sum += out[i];
    }
    for (let i = 0; i < out.length; i++) out[i] /= sum;
  },
  tempered(row, out, x, temperature, least) {
    for (let i = 0; i < out.length; i++) out[i] = Math.log(Math.max(x[i], least)) / temperature;
    operations.softmax(row, out, out);
  },
  log_odds(row, out, x, least) {
    out[0] = Math.log(Math.max(x[1], least)) - Math.log(Math.max(x[0], least));
  },
  log_shares(row, out, x, least) {
    let mean = 0;
    for (let i = 0; i < out.length; i++) {
      out[i] = Math.log(Math.max(x[i], least));
      mean += out[i] / out.length;
    }
    for (let i = 0; i < out.length; i++) out[i] -= mean;
  },
  relu: each((v) => (v < 0 ? 0 : v)),
  leaky_relu: each((v) => (v > 0 ? v : 0.01 * v)),
  elu: each((v) => (v > 0 ? v : Math.expm1(v))),
  selu: each((v) => 1.0507009873554805 * (v > 0 ? v : 1.6732632423543772 * Math.expm1(v))),
  gelu: each((v) => v * 0.5 * (1 + erf(v / Math.SQRT2))),
  silu: each((v) => v * squash(v)),
  mish: each((v) => v * Math.tanh(soft(v))),
  tanh: each(Math.tanh),
  softplus: each(soft),
  layer_norm(row, out, x, weight, bias, epsilon) {
    let mean = 0, spread = 0;
    for (const v of x) mean += v / x.length;
    for (const v of x) spread += (v - mean) ** 2 / x.length;
    for (let i = 0; i < out.length; i++) {
      out[i] = ((x[i] - mean) / Math.sqrt(spread + epsilon)) * weight[i] + bias[i];
    }
  },
  above(row, out, x, threshold) {
    for (let i = 0; i < out.length; i++) out[i] = x[i] > threshold ? 1 : 0;
  },
