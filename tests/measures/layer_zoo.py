"""Small networks that together hold the layers of Keras, each kind in some network."""

import keras

layers = keras.layers


def _images():
    inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(4, 3, groups=2, activation="silu")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x)
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.SeparableConv2D(4, 3, dilation_rate=2)(layers.UpSampling2D()(x))
    x = layers.AveragePooling2D(2)(layers.MaxPooling2D(2)(x))
    x = layers.Conv2DTranspose(3, 3, strides=2)(layers.ZeroPadding2D()(x))
    x = layers.Conv2D(3, 3, strides=2)(layers.GroupNormalization(1)(x))
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


def _signals():
    inputs = keras.Input((12, 3))
    x = layers.Conv1D(4, 3, padding="causal", dilation_rate=2)(inputs)
    x = layers.Conv1DTranspose(4, 3, activation="tanh")(layers.MaxPooling1D()(x))
    x = layers.DepthwiseConv1D(3, depth_multiplier=2)(x)
    x = layers.SeparableConv1D(4, 2)(layers.Cropping1D(1)(x))
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


def _volumes():
    inputs = keras.Input((6, 6, 6, 2))
    x = layers.Conv3D(3, 2, activation="tanh")(inputs)
    x = layers.Conv3DTranspose(2, 2)(layers.AveragePooling3D(2)(x))
    x = layers.GlobalMaxPooling3D()(x)
    return keras.Model(inputs, layers.Dense(3)(x))


def _dense():
    inputs = keras.Input((5, 4))
    x = layers.Dense(6, "gelu")(inputs)
    x = layers.Add()([x, layers.Dropout(0.5)(layers.Dense(6)(x))])
    x = layers.RMSNormalization()(layers.LayerNormalization()(x))
    x = layers.TimeDistributed(layers.Dense(4, "tanh"))(x)
    x = layers.UnitNormalization()(layers.Permute((2, 1))(x))
    x = layers.SpectralNormalization(layers.Dense(3))(layers.Flatten()(x))
    return keras.Model(inputs, x)


def _einsum():
    inputs = keras.Input((6, 4))
    x = layers.EinsumDense("abc,cd->abd", (6, 3), bias_axes="d")(inputs)
    x = layers.EinsumDense("abc,bd->adc", (5, 3), activation="tanh")(x)
    x = layers.EinsumDense("abc,cde->abde", (5, 2, 3))(x)
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


def _attention():
    inputs = keras.Input((6, 4))
    x = layers.MultiHeadAttention(2, 3)(inputs, inputs, use_causal_mask=True)
    x = layers.LayerNormalization()(layers.Add()([x, inputs]))
    x = layers.GroupQueryAttention(3, 4, 2)(x, x)
    x = layers.Attention(use_scale=True)([x, layers.Dense(4)(inputs)])
    x = layers.AdditiveAttention()([x, inputs])
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalMaxPooling1D()(x)))


def _words(*after):
    embedding = layers.Embedding(7, 4, mask_zero=True)
    inputs = keras.Input((6,), dtype="int32")
    return keras.Sequential([inputs, embedding, *after, layers.Dense(3)])


def _recurrent():
    return _words(
        layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
        layers.GRU(4, return_sequences=True),
        layers.SimpleRNN(3),
    )


def _films():
    inputs = keras.Input((3, 5, 2))
    x = layers.TimeDistributed(layers.Conv1D(3, 2))(inputs)
    x = layers.ConvLSTM1D(2, 2)(x)
    return keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


NETWORKS = {
    "images": _images,
    "signals": _signals,
    "volumes": _volumes,
    "dense": _dense,
    "einsum": _einsum,
    "attention": _attention,
    "lstm": lambda: _words(layers.LSTM(5)),
    "recurrent": _recurrent,
    "unrolled": lambda: _words(layers.GRU(3, unroll=True)),
    "films": _films,
}


def make(name, rng, num_examples):
    """Returns a network with weights drawn anew, inputs, and labels of 3 classes."""
    model = NETWORKS[name]()
    for variable in model.trainable_variables:
        variable.assign(rng.normal(scale=0.5, size=variable.shape))
    shape = (num_examples, *model.input_shape[1:])
    if model.inputs[0].dtype == "int32":
        inputs = rng.integers(0, 7, shape, dtype="int32")
    else:
        inputs = rng.normal(size=shape).astype("float32")
    return model, inputs, rng.integers(0, 3, num_examples)
