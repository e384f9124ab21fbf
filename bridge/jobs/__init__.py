"""RQ as a doorbell: lanes, workers, the schedule. What is to be done stands in SQL; a job only says "look"."""
