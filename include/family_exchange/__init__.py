"""Family Exchange: partner files in, a family register, signed-off returns out.

Four floors, downstairs only: `orchestration`, `stages` → `adapters` → `domain`. Above them stand the two doors a
person uses, `cli` and `demo`. `docs/adr/0001-downstairs-only.md` says why.
"""
