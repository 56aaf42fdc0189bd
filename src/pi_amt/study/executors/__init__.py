"""Where the jobs of a study are computed: this process, local processes, a dask or SLURM cluster.

It may import ``core``, and of ``store`` the version of the method, which workers must share.
"""
