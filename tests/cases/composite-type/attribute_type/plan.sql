-- asks: change-type:c.a
ALTER TYPE "public"."c" ALTER ATTRIBUTE "a" TYPE bigint;
