-- hazard: add-enum-value:mood.angry
ALTER TYPE "public"."mood" ADD VALUE 'angry' BEFORE 'sad';
