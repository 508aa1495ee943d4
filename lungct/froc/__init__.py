"""Free-response ROC: sensitivity for nodules against false positives per scan.

The rules are LUNA16's: Setio et al., Validation, comparison, and combination of algorithms for
automatic detection of pulmonary nodules in computed tomography images, Medical Image Analysis 42
(2017), and its noduleCADEvaluationLUNA16.py. `docs/evaluation.md` states them.
"""
