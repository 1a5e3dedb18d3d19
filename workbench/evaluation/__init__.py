"""Evaluation of scores: error rates with intervals, calibration, expected false candidates.

Terms and measures follow ISO/IEC 19795-1:2021 (biometric performance testing) and NIST's Face
Recognition Technology Evaluation, part 2 (NISTIR 8271).
"""
