"""Durable state: tables, migrations, small repositories. The only home of SQLAlchemy."""
