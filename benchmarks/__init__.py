"""How fast Confer is, each figure beside a baseline of the same run: machines differ, ratios differ less."""
