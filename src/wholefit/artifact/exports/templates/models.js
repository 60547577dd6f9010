  trees(row, out, x, root, feature, child, threshold, left, member, sets, value, width, how,
    base) {
    const n = out.length;
    out.set(base);
    for (let t = 0; t < root.length; t++) {
      const at = leaf(x, root[t], feature, child, threshold, left, member, sets, width);
      if (how & 1) out[t % n] += value[at];
      else for (let i = 0; i < n; i++) out[i] += value[at * n + i];
      if (how & 2) for (let i = 0; i < n; i++) out[i] = Math.fround(out[i]);
    }
  },
  median_tree(row, out, x, root, feature, child, threshold, left, member, sets, value, width,
    weight) {
    const found = Array.from(root, (node, t) => [value[leaf(
      x, node, feature, child, threshold, left, member, sets, width)], weight[t]]);
    found.sort((a, b) => a[0] - b[0]);
    const total = weight.reduce((a, b) => a + b, 0);
    let mass = 0;
    for (const [v, heavy] of found) {
      mass += heavy;
      if (mass >= 0.5 * total) { out[0] = v; return; }
    }
  },
  keyed(row, out, x, places) {
    for (let i = 0; i < out.length; i++) {
      out[i] = Number.isNaN(x[places[i]]) ? 0 : Math.trunc(x[places[i]]) + 1;
    }
  },
  beyond(row, out, x, places, tests, borders) {
    for (let i = 0; i < out.length; i++) {
      const v = x[places[i]];
      out[i] = (tests[i] === 1 ? v === borders[i] : v > borders[i]) ? 1 : 0;
    }
  },
  looked_up(row, out, x, keys, sizes, values, other) {
    let place = 0;
    for (let i = 0; i < keys.length; i++) {
      const code = Math.trunc(x[keys[i]]);
      if (!(code >= 0 && code < sizes[i])) { out[0] = other; return; }
      place = place * sizes[i] + code;
    }
    out[0] = values[place];
  },
  oblivious(row, out, x, depth, feature, test, border, value, scale, bias) {
    const n = out.length;
    out.fill(0);
    for (let t = 0, at = 0, first = 0; t < depth.length; first += 2 ** depth[t++] * n) {
      let place = 0;
      for (let i = 0; i < depth[t]; i++, at++) {
        const v = x[feature[at]];
        const yes = test[at] === 1 ? v === border[at]
          : (test[at] === 2 && Number.isNaN(v)) || v > border[at];
        if (yes) place += 2 ** i;
      }
      for (let i = 0; i < n; i++) out[i] += value[first + place * n + i];
    }
    for (let i = 0; i < n; i++) out[i] = out[i] * scale + bias[i];
  },
  additive(row, out, x, kind, edgeSize, edgeBin, size, pair, pairSize, pairBin, edge, value,
    pairValue, intercept) {
    const n = out.length, bins = [];
    out.set(intercept);
    for (let f = 0, at = 0, first = 0; f < kind.length; f++) {
      bins.push(bin(x[f], kind[f], edge, edgeBin, at, at + edgeSize[f]));
      for (let i = 0; i < n; i++) out[i] += value[(first + bins[f]) * n + i];
      at += edgeSize[f];
      first += size[f];
    }
    for (let p = 0, place = 0, first = 0; p < pair.length; p += 2) {
      const [a, b] = [pair[p], pair[p + 1]];
      const high = pairBin[place + bins[a]], wide = pairBin[place + size[a] + bins[b]];
      const cell = first + high * pairSize[p + 1] + wide;
      for (let i = 0; i < n; i++) out[i] += pairValue[cell * n + i];
      place += size[a] + size[b];
      first += pairSize[p] * pairSize[p + 1];
    }
  },
  gauss(row, out, x, mean, variance, base) {
    for (let i = 0, at = 0; i < out.length; i++) {
      let sum = 0;
      for (let j = 0; j < x.length; j++, at++) sum += (x[j] - mean[at]) ** 2 / variance[at];
      out[i] = base[i] - 0.5 * sum;
    }
  },
  rules(row, out, x, rule, feature, test, bound, value) {
    const n = out.length, count = value.length / n - 1;
    let first = count;
    for (let r = 0; r < count && first === count; r++) {
      let met = true;
      for (let c = 0; c < rule.length; c++) {
        if (rule[c] !== r) continue;
        const v = x[feature[c]];
        met &&= [v <= bound[c], v > bound[c], v === bound[c], Number.isNaN(v)][test[c]];
      }
      if (met) first = r;
    }
    for (let i = 0; i < n; i++) out[i] = value[first * n + i];
  },
  similar(row, out, x, support, kind, gamma, coef0, degree) {
    for (let i = 0, at = 0; i < out.length; i++) {
      let sum = 0;
      for (let j = 0; j < x.length; j++, at++) {
        sum += kind === 2 ? (x[j] - support[at]) ** 2 : x[j] * support[at];
      }
      out[i] = [() => sum, () => (gamma * sum + coef0) ** degree, () => Math.exp(-gamma * sum),
        () => Math.tanh(gamma * sum + coef0)][kind]();
    }
  },
  votes(row, out, x, dual, sizes, intercept) {
    const n = out.length, sure = new Float64Array(n), begin = [];
    let end = 0, at = 0;
    for (const size of sizes) { begin.push(end); end += size; }
    out.fill(0);
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) {
        let margin = intercept[at++];
        for (let k = begin[i]; k < begin[i] + sizes[i]; k++) {
          margin += dual[(j - 1) * x.length + k] * x[k];
        }
        for (let k = begin[j]; k < begin[j] + sizes[j]; k++) margin += dual[i * x.length + k] * x[k];
        sure[i] += margin;
        sure[j] -= margin;
        out[margin >= 0 ? i : j] += 1;
      }
    }
    for (let i = 0; i < n; i++) out[i] += sure[i] / (3 * (Math.abs(sure[i]) + 1));
  },
  nearest(row, out, x, stored, wanted, k, power, weighted, classes) {
    const found = [];
    for (let r = 0, at = 0; r < wanted.length; r++) {
      let apart = 0;
      for (let j = 0; j < x.length; j++) apart += Math.abs(x[j] - stored[at++]) ** power;
      apart = power === 2 ? Math.sqrt(apart) : apart ** (1 / power);
      if (found.length === k && !(apart < found[k - 1][0])) continue;
      if (found.length === k) found.pop();
      let place = found.length;
      while (place > 0 && found[place - 1][0] > apart) place--;
      found.splice(place, 0, [apart, wanted[r]]);
    }
    const spot = found.some(([apart]) => apart === 0);
    let total = 0;
    out.fill(0);
    for (const [apart, value] of found) {
      const weight = !weighted ? 1 : spot ? Number(apart === 0) : 1 / apart;
      out[classes ? value : 0] += classes ? weight : weight * value;
      total += weight;
    }
    for (let i = 0; i < out.length; i++) out[i] /= total;
  },
};

function each(change) {
  return (row, out, x) => { for (let i = 0; i < out.length; i++) out[i] = change(x[i]); };
}
function held(x, low, high) { return x < low ? low : x > high ? high : x; }
function squash(x) {
  const small = Math.exp(-Math.abs(x));
  return (x >= 0 ? 1 : small) / (1 + small);
}
function soft(x) { return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)); }
// The first place of `levels` from `low` up to `high` that is not below `value`.
function lower(levels, value, low, high) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (levels[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}
function bin(v, kind, edge, bins, start, end) {
  if (Number.isNaN(v)) return 0;
  const at = lower(edge, v, start, end);
  if (!kind) return at - start + 1;
  return at < end && edge[at] === v ? bins[at] : 0;
}
function leaf(x, node, feature, child, threshold, left, member, sets, width) {
  while (feature[node] >= 0) {
    const v = x[feature[node]];
    let right = v > threshold[node];
    if (Number.isNaN(v)) right = !left[node];
    else if (member.length && member[node] >= 0) {
      right = !(v >= 0 && v < 8 * width
        && (sets[member[node] * width + (Math.trunc(v) >> 3)] >> (Math.trunc(v) & 7)) & 1);
    }
    node = child[node] + (right ? 1 : 0);
  }
  return child[node];
}
// Rank of x among `count` rising numbers spaced evenly on 0..1; the last of equal ones counts.
function rank(x, known, count) {
  let low = 0, high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (known(middle) <= x) low = middle + 1; else high = middle;
  }
  if (low === 0) return 0;
  if (low === count) return 1;
  const a = known(low - 1), b = known(low), first = (low - 1) / (count - 1);
  return a === x ? first : ((low / (count - 1) - first) / (b - a)) * (x - a) + first;
}
// The error function: its Taylor series near 0, else the continued fraction of 1 - erf.
function erf(x) {
  const v = Math.abs(x);
  if (v > 6) return Math.sign(x);
  if (v < 2.5) {
    let term = v, sum = v;
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (-v * v) / n;
      sum += term / (2 * n + 1);
      if (n > 200) break;
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let below = 0;
  for (let n = 60; n > 0; n--) below = n / 2 / (v + below);
  return Math.sign(x) * (1 - Math.exp(-v * v) / Math.sqrt(Math.PI) / (v + below));
}
// The normal quantile (M. Wichura 1988, algorithm AS 241, PPND16).
function quantile(p) {
  const sides = [
    [[3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
      1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
      3.3430575583588128105e+4, 2.5090809287301226727e+3],
    [1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
      2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
      5.2264952788528545610e+3]],
    [[1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
      3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
      2.27238449892691845833e-2, 7.74545014278341407640e-4],
    [1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
      1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
      1.05075007164441684324e-9]],
    [[6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
      2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
      2.71155556874348757815e-5, 2.01033439929228813265e-7],
    [1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
      7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
      2.04426310338993978564e-15]]];
  const q = p - 0.5;
  let side = 0, r = 0.180625 - q * q, up = 0, down = 0;
  if (Number.isNaN(p)) return p;
  if (Math.abs(q) > 0.425) {
    r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
    side = r <= 5 ? 1 : 2;
    r -= r <= 5 ? 1.6 : 5;
  }
  for (let i = 7; i >= 0; i--) {
    up = up * r + sides[side][0][i];
    down = down * r + sides[side][1][i];
  }
  return side === 0 ? (q * up) / down : q < 0 ? -up / down : up / down;
}
