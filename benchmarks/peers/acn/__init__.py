"""Our controller as an algorithm of ACN-Sim, on its networks, beside its own algorithms.

ACN-Sim (acnportal, BSD 3-clause) is the simulator with which adaptive charging at Caltech and JPL was published:
Z. J. Lee, D. Johansson and S. H. Low, "ACN-Sim: An open-source simulator for data-driven electric vehicle charging
research," IEEE SmartGridComm 2019, doi:10.1109/SmartGridComm.2019.8909765.
"""
