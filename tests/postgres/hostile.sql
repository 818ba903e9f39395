-- Random values for the property tests. All of them follow from setseed().

-- A word that means something to somebody else's parser.
CREATE FUNCTION csl_word() RETURNS text VOLATILE LANGUAGE sql AS $$
  SELECT (ARRAY['', ' ', '"', '""', ',', '","', '",', ',"', E'\n', E'\r', E'\r\n', E'\n\n', E'"\n"', E'\n"', '\.', E'\n\\.\n',
    '\N', '\', '\"', 'NULL', 'null', 'a', 'word', 'two words', ' padded ', E'\t', '''', ';', '|', '#', '{}', '0', '-1', 't',
    '2024-03-01', 'é', 'ß', '中文', 'עברית', E'\ufeff', E'\u0085', E'\u2028', '😀', '👩‍👩‍👧‍👦', E'\U0010ffff', E'\u0001', E'\u001a',
    '0123456789abcdef0123456789abcde"', '0123456789abcdef0123456789abcdef', '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde,'
  ])[1 + floor(random() * 50)::integer]
$$;

CREATE FUNCTION csl_text() RETURNS text VOLATILE LANGUAGE sql AS $$
  SELECT CASE floor(random() * 10)::integer
    WHEN 0 THEN ''
    WHEN 1 THEN csl_word()
    WHEN 2 THEN csl_word() || csl_word()
    WHEN 3 THEN csl_word() || csl_word() || csl_word() || csl_word()
    WHEN 4 THEN repeat(csl_word(), floor(random() * 40)::integer)
    WHEN 5 THEN repeat('ordinary text, and ', floor(random() * 12)::integer)
    ELSE left(md5(random()::text), floor(random() * 33)::integer)
  END
$$;

-- Text now and then wider than Redshift's widest, 65,535 bytes, and than any small buffer.
CREATE FUNCTION csl_long_text() RETURNS text VOLATILE LANGUAGE sql AS $$
  SELECT CASE floor(random() * 200)::integer
    WHEN 0 THEN csl_word() || repeat(csl_word() || 'x', 40000)
    WHEN 1 THEN repeat('x', 65530) || repeat(csl_word(), floor(random() * 9)::integer)
    WHEN 2 THEN repeat('é', 32768)
    ELSE csl_text()
  END
$$;

-- Up to 64 digits.
CREATE FUNCTION csl_digits(length integer) RETURNS text VOLATILE LANGUAGE sql AS $$
  SELECT left(translate(md5(random()::text) || md5(random()::text), 'abcdef', '012345'), length)
$$;

CREATE FUNCTION csl_decimal(digits integer, scale integer) RETURNS numeric VOLATILE LANGUAGE sql AS $$
  SELECT ((ARRAY['', '-'])[1 + floor(random() * 2)::integer]
    || '0' || csl_digits(floor(random() * (digits - scale + 1))::integer)
    || '.' || csl_digits(floor(random() * (scale + 1))::integer) || '0')::numeric
$$;

-- A float of any size between the ends.
CREATE FUNCTION csl_float(power integer) RETURNS double precision VOLATILE LANGUAGE sql AS $$
  SELECT (random() * 2 + 0.1) * (ARRAY[1, -1])[1 + floor(random() * 2)::integer] * 10::float8 ^ floor(random() * 2 * power - power)
$$;

-- A moment of this century, of the years around it, or between the first and the last that a timestamp holds.
CREATE FUNCTION csl_moment() RETURNS timestamp VOLATILE LANGUAGE sql AS $$
  SELECT timestamp '2000-01-01' + floor(random() * 1000000) * interval '1 microsecond' + interval '1 second' *
    CASE floor(random() * 10)::integer
      WHEN 0 THEN floor(random() * 9.4e12 - 2.1e11)
      WHEN 1 THEN floor(random() * 1.3e11 - 6.5e10)
      WHEN 2 THEN floor(random() * 1.8e10 - 9e9)
      ELSE floor(random() * 8e8)
    END
$$;

CREATE TYPE csl_mood AS ENUM ('sad', 'so, so', 'say "hi"', E'two\nlines', ' ', 'NULL', '😀');

-- White space between two JSON tokens.
CREATE FUNCTION csl_space() RETURNS text VOLATILE LANGUAGE sql AS $$
  SELECT (ARRAY['', ' ', E'\n', E'\r\n', E'\t'])[1 + floor(random() * 5)::integer]
$$;
