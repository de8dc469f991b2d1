ALTER TYPE "public"."mood" ADD VALUE 'angry' BEFORE 'sad';
