"""One ring run over every device of every process; prints what came of it as JSON."""

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax

import ganfield as gf


def main(process, num_processes, port, devices):
    jax.config.update("jax_num_cpu_devices", devices)
    jax.config.update("jax_enable_x64", True)
    if num_processes > 1:
        jax.distributed.initialize(f"localhost:{port}", num_processes, process)

    mesh = gf.sharding.data_mesh()
    generator = gf.networks.mlp(3, 2, hidden_sizes=(8,), activation=jnp.tanh)
    discriminator = gf.networks.mlp(2, 1, hidden_sizes=(8,), activation=jnp.tanh)
    game = gf.games.gan(generator, discriminator)
    w = gf.consensus(gf.vector_field(game), gamma=5.0, groups=2)
    sample = gf.data.batch_sampler(gf.data.ring(), batch_size=16, latent_size=3)

    def run(start, method):
        return gf.simulate(
            method,
            w,
            start,
            num_steps=10,
            key=jax.random.key(1),
            sample=gf.sharding.data_parallel(sample, mesh),
            record=lambda state, info: optax.tree.norm(info.direction),
            record_every=5,
        )

    start = gf.sharding.replicated(game.init(jax.random.key(0)), mesh)
    whole = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    result = {"devices": jax.device_count(), "processes": jax.process_count()}
    for name in ("simultaneous", "alternating"):
        method = gf.METHODS[name](gf.numerics_rmsprop(1e-2))
        out = jax.jit(lambda p, m=method: run(p, m), out_shardings=whole)(start)
        result[name] = {"norms": np.asarray(out.records)[1:].tolist(), "params": flat(out.params)}

    # A batch that lies on the host goes the same way.
    batch = jax.tree.map(np.asarray, jax.jit(sample)(jax.random.key(2)))
    batch = batch._replace(key=jax.random.split(jax.random.key(3), 16))
    v = jax.jit(w, out_shardings=whole)(start, gf.sharding.spread(batch, mesh))
    result["field"] = flat(v)

    # Batch norm's statistics are those of the global batch too.
    shape, options = (4, 4, 1), {"num_layers": 1, "width": 2}
    game = gf.games.gan(
        gf.networks.dcgan_generator(3, shape, **options),
        gf.networks.dcgan_discriminator(shape, **options),
    )
    w = gf.consensus(gf.vector_field(game), gamma=5.0)
    real = np.random.default_rng(0).normal(size=(16, *shape))
    batch = gf.Batch(real, np.asarray(batch.latent))
    start = gf.sharding.replicated(game.init(jax.random.key(0)), mesh)
    result["batch norm"] = flat(
        jax.jit(w, out_shardings=whole)(start, gf.sharding.spread(batch, mesh))
    )
    return result


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)]).tolist()


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))
