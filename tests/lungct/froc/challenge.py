"""A small submission, whose figures are worked out here.

Two patients, three series that count: A has 1 and 2, B has 3. Nodules: 1.1 one of 10 mm at the
origin, 1.2 none, 1.3 two of 6 mm, at 0 and 50 on the x axis.

Marks in 1.1: 0.9 hit, 0.8 a further hit, 0.7 exactly on the radius and so false.
1.2: 0.6 on an excluded finding of unknown diameter, 4.9 mm from its centre.
1.3: 0.5 hits the nodule at 0; the one at 50 is missed; 0.95 is false.
1.9, which does not count: one mark, one nodule.

Highest score first: false (0.95), hit (0.9), false (0.7), hit (0.5), over 3 scans and 3 nodules.
Points: (0, 0), (1, 0), (1, 1), (2, 1), (2, 2). False positives at the rates: 3/8, 3/4, 3/2, 3, ...
Hits: 0, 0, 1, then level at 2.
"""

SENSITIVITIES = [0, 0, 1 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3]

TABLES = {
    "annotations": """seriesuid,coordX,coordY,coordZ,diameter_mm
1.1,0,0,0,10
1.3,0,0,0,6
1.3,50,0,0,6
1.9,0,0,0,6
""",
    "excluded": """seriesuid,coordX,coordY,coordZ,diameter_mm
1.2,0,0,0,-1
1.2,0,0,0,-1
""",
    "series": "1.1\n1.2\n1.3\n",
    "submission": """seriesuid,coordX,coordY,coordZ,probability
1.1,0,0,1,0.9
1.1,0,0,-1,0.8
1.1,3,0,4,0.7
1.2,4.9,0,0,0.6
1.3,1,1,1,0.5
1.3,90,0,0,0.95
1.9,0,0,0,1
""",
    "patients": "seriesuid,patient_id\n1.1,A\n1.2,A\n1.3,B\n1.9,C\n",
}


def write(folder, **changed):
    """Writes the tables, some of them changed; returns the options of the command."""
    options = []
    for name, content in {**TABLES, **changed}.items():
        path = folder / f"{name}.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        options += [f"--{name}", str(path)]
    return options
