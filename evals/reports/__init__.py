"""A run's figures as people and programs want them: terminal, Markdown, HTML, JUnit, annotations, Parquet."""
