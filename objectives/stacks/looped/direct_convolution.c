/* Convolution (stride 1, zero padding), sigmoid or tanh, and 2x2 mean pooling, forwards and backwards.

   Images go through in blocks of 16, an image a lane, so that every sum over channels and places has one fixed
   order whatever the width of the machine's vectors: its bits are a function of this file. Products and sums are
   fused explicitly, and compiled with -ffp-contract=off, so that no compiler fuses others.

   Sizes come as macros (direct_convolution.py): C_IN, C_OUT, K, PAD, H, W of the input, TANH (0 or 1), and the
   blocks that are kept in registers: OUT_BLOCK and IN_BLOCK divide C_OUT and C_IN, COLUMNS is any. */

#include <stdint.h>
#include <string.h>
#if defined(__FMA__) || defined(__AVX512F__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define LANES 16
#define PADDED_H (H + 2 * PAD)
#define PADDED_W (W + 2 * PAD)
#define OUT_H (PADDED_H - K + 1)
#define OUT_W (PADDED_W - K + 1)
#define POOLED (OUT_H / 2 * (OUT_W / 2))
/* A row of slopes has K - 1 zeros on either side, which the last columns of a block may read too. */
#define SLOPE_W (OUT_W + 2 * (K - 1) + COLUMNS)

typedef float lanes __attribute__((vector_size(64), aligned(64)));
typedef int32_t words __attribute__((vector_size(64), aligned(64)));

static inline lanes all(float value) { return (lanes){} + value; }

static inline lanes fused(lanes a, lanes b, lanes c)
{
#if defined(__AVX512F__)
    return (lanes)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#else
    lanes result;
#if defined(__FMA__)
    typedef __m256 part;
#define FUSED _mm256_fmadd_ps(x[i], y[i], z[i])
#elif defined(__aarch64__)
    typedef float32x4_t part;
#define FUSED vfmaq_f32(z[i], x[i], y[i])
#else
    typedef float part;
#define FUSED __builtin_fmaf(x[i], y[i], z[i])
#endif
    const part *x = (const part *)&a, *y = (const part *)&b, *z = (const part *)&c;
    for (unsigned i = 0; i < sizeof(lanes) / sizeof(part); i++)
        ((part *)&result)[i] = FUSED;
    return result;
#endif
}

static inline lanes chosen(words mask, lanes yes, lanes no) { return (lanes)((mask & (words)yes) | (~mask & (words)no)); }

/* 1 / (1 + exp(-x)) with Cephes' polynomial for exp; NaN stays NaN. */
static inline lanes sigmoid(lanes x)
{
    lanes t = -x, low = all(-87), high = all(87), shift = all(12582912); /* 1.5 * 2^23 rounds to a whole number. */
    t = chosen(t < low, low, chosen(t > high, high, t));
    lanes n = fused(t, all(1.44269504f), shift);
    words exponent = (words)n - (words)shift;
    n -= shift;
    lanes r = fused(n, all(2.12194440e-4f), fused(n, all(-0.693359375f), t)), p = all(1.9875691500e-4f);
    p = fused(p, r, all(1.3981999507e-3f));
    p = fused(p, r, all(8.3334519073e-3f));
    p = fused(p, r, all(4.1665795894e-2f));
    p = fused(p, r, all(1.6666665459e-1f));
    p = fused(p, r, all(5.0000001201e-1f));
    return 1 / fused(fused(p, r * r, r + 1), (lanes)((exponent + 127) << 23), all(1));
}

/* Sum of 16 lanes as a tree. */
static float total(lanes sum)
{
    float parts[LANES];
    memcpy(parts, &sum, sizeof parts);
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            parts[i] += parts[i + half];
    return parts[0];
}

static void load_images(const float *images, int count, lanes *block)
{
    memset(block, 0, sizeof(lanes) * C_IN * PADDED_H * PADDED_W);
    for (int c = 0; c < C_IN; c++)
        for (int i = 0; i < H; i++) {
            float *row = (float *)(block + (c * PADDED_H + i + PAD) * PADDED_W + PAD);
            for (int image = 0; image < count; image++)
                for (int j = 0; j < W; j++)
                    row[j * LANES + image] = images[((image * C_IN + c) * H + i) * W + j];
        }
}

static inline __attribute__((always_inline)) void convolve(const lanes *block, const float *weight, const float *bias,
                                                           lanes *out, int o, int i, int j, const int columns)
{
    lanes sum[OUT_BLOCK][COLUMNS];
    for (int q = 0; q < OUT_BLOCK; q++)
        for (int s = 0; s < columns; s++)
            sum[q][s] = all(bias[o + q]);
    for (int c = 0; c < C_IN; c++)
        for (int u = 0; u < K; u++) {
            const lanes *row = block + (c * PADDED_H + i + u) * PADDED_W + j;
#pragma GCC unroll 8
            for (int v = 0; v < K; v++)
                for (int q = 0; q < OUT_BLOCK; q++) {
                    lanes factor = all(weight[(((o + q) * C_IN + c) * K + u) * K + v]);
                    for (int s = 0; s < columns; s++)
                        sum[q][s] = fused(factor, row[v + s], sum[q][s]);
                }
        }
    for (int q = 0; q < OUT_BLOCK; q++)
        for (int s = 0; s < columns; s++)
            out[((o + q) * OUT_H + i) * OUT_W + j + s] = sum[q][s];
}

static void activate_and_pool(lanes *block, int count, float *pooled)
{
    for (int o = 0; o < C_OUT; o++)
        for (int i = 0; i < OUT_H; i += 2)
            for (int j = 0; j < OUT_W; j += 2) {
                lanes *upper = block + (o * OUT_H + i) * OUT_W + j, *lower = upper + OUT_W;
                float inner = TANH ? 2 : 1; /* tanh(a) = 2 sigmoid(2a) - 1 */
                for (int s = 0; s < 2; s++) {
                    upper[s] = sigmoid(upper[s] * inner);
                    lower[s] = sigmoid(lower[s] * inner);
                }
                lanes sum = upper[0] + upper[1] + lower[0] + lower[1];
                lanes mean = TANH ? sum * 0.5f - 1 : sum * 0.25f;
                for (int image = 0; image < count; image++)
                    pooled[(image * C_OUT + o) * POOLED + i / 2 * (OUT_W / 2) + j / 2] = mean[image];
            }
}

/* images (count, C_IN, H, W) -> pooled (count, C_OUT, OUT_H / 2, OUT_W / 2).
   inputs and outputs hold a block for every 16 images, or with `keep` = 0 one that is used again. */
void forward(const float *images, int count, const float *weight, const float *bias, float *pooled, lanes *inputs,
             lanes *outputs, int keep)
{
    for (int first = 0; first < count; first += LANES) {
        int here = count - first < LANES ? count - first : LANES;
        load_images(images + (size_t)first * C_IN * H * W, here, inputs);
        for (int o = 0; o < C_OUT; o += OUT_BLOCK)
            for (int i = 0; i < OUT_H; i++) {
                int j = 0;
                for (; j + COLUMNS <= OUT_W; j += COLUMNS)
                    convolve(inputs, weight, bias, outputs, o, i, j, COLUMNS);
                for (; j < OUT_W; j++)
                    convolve(inputs, weight, bias, outputs, o, i, j, 1);
            }
        activate_and_pool(outputs, here, pooled + (size_t)first * C_OUT * POOLED);
        inputs += keep * C_IN * PADDED_H * PADDED_W;
        outputs += keep * C_OUT * OUT_H * OUT_W;
    }
}

/* Gradient of the sums before the activation, with zeros around, and its sum by output channel added to `bias`. */
static void pool_backwards(const float *gradient, int count, const lanes *block, lanes *slopes, lanes *bias)
{
    memset(slopes, 0, sizeof(lanes) * C_OUT * OUT_H * SLOPE_W);
    for (int o = 0; o < C_OUT; o++) {
        lanes sum = {};
        for (int i = 0; i < OUT_H; i += 2)
            for (int j = 0; j < OUT_W; j += 2) {
                lanes share = {};
                for (int image = 0; image < count; image++)
                    share[image] = gradient[(image * C_OUT + o) * POOLED + i / 2 * (OUT_W / 2) + j / 2];
                if (!TANH)
                    share *= 0.25f; /* A quarter from pooling, and a factor 4 from the two of tanh. */
                for (int row = 0; row < 2; row++)
                    for (int s = 0; s < 2; s++) {
                        lanes y = block[(o * OUT_H + i + row) * OUT_W + j + s];
                        lanes slope = share * (y * (1 - y));
                        slopes[(o * OUT_H + i + row) * SLOPE_W + K - 1 + j + s] = slope;
                        sum += slope;
                    }
            }
        bias[o] += sum;
    }
}

/* Adds a block's gradient of the weights; summed by itself first, which rounds less. */
static void add_weights(const lanes *block, const lanes *slopes, lanes *weight)
{
    for (int o = 0; o < C_OUT; o += OUT_BLOCK)
        for (int c = 0; c < C_IN; c++)
            for (int u = 0; u < K; u++) {
                lanes sum[OUT_BLOCK][K] = {};
                for (int i = 0; i < OUT_H; i++) {
                    const lanes *row = block + (c * PADDED_H + i + u) * PADDED_W;
                    const lanes *slope = slopes + (o * OUT_H + i) * SLOPE_W + K - 1;
                    for (int j = 0; j < OUT_W; j++)
#pragma GCC unroll 8
                        for (int v = 0; v < K; v++)
                            for (int q = 0; q < OUT_BLOCK; q++)
                                sum[q][v] = fused(slope[q * OUT_H * SLOPE_W + j], row[j + v], sum[q][v]);
                }
                for (int q = 0; q < OUT_BLOCK; q++)
                    for (int v = 0; v < K; v++)
                        weight[(((o + q) * C_IN + c) * K + u) * K + v] += sum[q][v];
            }
}

/* Gradient of the images: the full convolution of the slopes with the weights turned round. */
static void convolve_backwards(const lanes *slopes, const float *weight, int count, float *gradient)
{
    for (int i = 0; i < H; i++)
        for (int j = 0; j < W; j += COLUMNS)
            for (int c = 0; c < C_IN; c += IN_BLOCK) {
                lanes sum[IN_BLOCK][COLUMNS] = {};
                for (int o = 0; o < C_OUT; o++)
                    for (int u = 0; u < K; u++) {
                        int row = i + PAD - u;
                        if (row < 0 || row >= OUT_H)
                            continue;
                        const lanes *slope = slopes + (o * OUT_H + row) * SLOPE_W + K - 1 + j + PAD;
#pragma GCC unroll 8
                        for (int v = 0; v < K; v++)
                            for (int q = 0; q < IN_BLOCK; q++) {
                                lanes factor = all(weight[((o * C_IN + c + q) * K + u) * K + v]);
                                for (int s = 0; s < COLUMNS; s++)
                                    sum[q][s] = fused(factor, slope[s - v], sum[q][s]);
                            }
                    }
                for (int q = 0; q < IN_BLOCK; q++)
                    for (int s = 0; s < COLUMNS && j + s < W; s++)
                        for (int image = 0; image < count; image++)
                            gradient[((image * C_IN + c + q) * H + i) * W + j + s] = sum[q][s][image];
            }
}

/* gradient of `pooled` -> gradients of the images (unless it is null), the weights and the biases.
   inputs and outputs: as `forward` with `keep` = 1 left them.
   scratch: C_OUT * OUT_H * SLOPE_W + C_OUT * (C_IN * K * K + 1) lanes. */
void backward(const float *gradient, int count, const float *weight, const lanes *inputs, const lanes *outputs,
              float *of_images, float *of_weight, float *of_bias, lanes *scratch)
{
    lanes *weights = scratch + C_OUT * OUT_H * SLOPE_W, *biases = weights + C_OUT * C_IN * K * K;
    memset(weights, 0, sizeof(lanes) * C_OUT * (C_IN * K * K + 1));
    for (int first = 0; first < count; first += LANES) {
        int here = count - first < LANES ? count - first : LANES;
        pool_backwards(gradient + (size_t)first * C_OUT * POOLED, here, outputs, scratch, biases);
        add_weights(inputs, scratch, weights);
        if (of_images)
            convolve_backwards(scratch, weight, here, of_images + (size_t)first * C_IN * H * W);
        inputs += C_IN * PADDED_H * PADDED_W;
        outputs += C_OUT * OUT_H * OUT_W;
    }
    for (int i = 0; i < C_OUT * C_IN * K * K; i++)
        of_weight[i] = total(weights[i]);
    for (int o = 0; o < C_OUT; o++)
        of_bias[o] = total(biases[o]);
}

/* What the caller has to allocate, in lanes: of a block of inputs, of outputs, and of `backward`'s scratch. */
void sizes(int *input, int *output, int *scratch)
{
    *input = C_IN * PADDED_H * PADDED_W;
    *output = C_OUT * OUT_H * OUT_W;
    *scratch = C_OUT * OUT_H * SLOPE_W + C_OUT * (C_IN * K * K + 1);
}
