"""One file per journey of the mission. Flows decide; they meet the outside only through the ports."""
