"""What starting programs costs: fastproc, the standard library, its peers and plain C.

Run it with ``python -m benchmarks``; ``--help`` has the options. The method,
in short:

* Every measurement happens in a fresh interpreter (``benchmarks.worker``), one
  per case, contender and round. Rounds are interleaved: every contender of
  every case has its turn before anyone has a second one, and the order of the
  contenders rotates.
* A worker measures in blocks, each of a few calls of the contender and as many
  of the baseline, which is the C floor wherever there is one, called inside the
  same process. A ratio is the median of the ratios of such neighbouring blocks,
  so what the machine does to both cancels out.
* Intervals are 95 % bootstrap intervals: rounds are drawn first, then blocks
  within them, so that differences between processes are part of the interval.
"""
